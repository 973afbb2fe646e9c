"""Who keeps time: local (APScheduler, one process) or lock-step with a sandbox's clock."""
