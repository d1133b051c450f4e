"""What a process of the service does: `worker` is pushed to and swept, `api` answers people and their programs; see ADR 0013."""
