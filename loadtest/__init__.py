"""A load harness for Ethereum JSON-RPC nodes: corpus, open-loop driver, recorder, report, comparison."""
