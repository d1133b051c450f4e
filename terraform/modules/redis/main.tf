# The segmenter's hot state: mailboxes, leases and the state of open connections. Every key can be rebuilt from the bucket.

resource "google_redis_instance" "this" {
  project       = var.project_id
  region        = var.region
  name          = "${var.prefix}turnscribe"
  display_name  = "Hot state of turnscribe's segmenter"
  labels        = var.labels
  tier          = var.tier
  redis_version = var.redis_version

  memory_size_gb     = var.memory_gb
  replica_count      = var.tier == "STANDARD_HA" ? var.replicas : null
  read_replicas_mode = var.replicas > 1 ? "READ_REPLICAS_ENABLED" : null # more than one are only to be had with an endpoint for reading

  authorized_network = var.network_id
  connect_mode       = "PRIVATE_SERVICE_ACCESS"
  reserved_ip_range  = var.private_services_range

  auth_enabled            = var.auth
  transit_encryption_mode = "SERVER_AUTHENTICATION"

  # Left alone, a full Redis drops keys that have a time to live: leases and the state of connections. This way it refuses the write,
  # which is a fault that is tried again.
  redis_configs = {
    maxmemory-policy = "noeviction"
  }

  # Said also where there is none: an instance may have snapshots by default, and they have audio in them.
  persistence_config {
    persistence_mode    = var.snapshot_period == null ? "DISABLED" : "RDB"
    rdb_snapshot_period = var.snapshot_period
  }

  maintenance_policy {
    weekly_maintenance_window {
      day = var.maintenance_window.day

      start_time {
        hours   = var.maintenance_window.hour_utc
        minutes = 0
        seconds = 0
        nanos   = 0
      }
    }
  }
}
