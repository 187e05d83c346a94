"""From bytes to verdicts: what arrives in one turn of the event loop is decoded, recovered and judged together."""
