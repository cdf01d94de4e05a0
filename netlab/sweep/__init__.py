"""Many assemblies, each over several seeds: the grid, the plan, the executors and the driver."""
