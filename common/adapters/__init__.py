"""What stands behind the ports: one folder for each place to run. Adapters translate vendor errors into the three of ours."""
