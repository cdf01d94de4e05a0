"""Many assemblies, each over several seeds: the grid, the plan, the tasks and the driver."""
