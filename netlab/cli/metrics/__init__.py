"""The command that measures separability."""
