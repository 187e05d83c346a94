"""The stores that a pool can keep its transactions in; they differ in where the bytes lie, and in nothing else."""
