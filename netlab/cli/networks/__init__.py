"""Commands about one network: run, summary, predict."""
