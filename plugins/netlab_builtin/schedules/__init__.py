"""netlab's own schedules of the learning rate."""
