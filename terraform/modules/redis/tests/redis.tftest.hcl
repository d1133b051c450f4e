mock_provider "google" {
  mock_resource "google_redis_instance" {
    defaults = {
      host        = "10.20.0.4"
      port        = 6378
      auth_string = "made-by-memorystore"
      server_ca_certs = [
        { cert = "-----BEGIN CERTIFICATE-----\nold\n-----END CERTIFICATE-----\n", serial_number = "1", create_time = "", expire_time = "", sha1_fingerprint = "" },
        { cert = "-----BEGIN CERTIFICATE-----\nnew\n-----END CERTIFICATE-----\n", serial_number = "2", create_time = "", expire_time = "", sha1_fingerprint = "" },
      ]
    }
  }
}

variables {
  project_id             = "a-project"
  region                 = "europe-west1"
  prefix                 = "dev-"
  network_id             = "projects/a-project/global/networks/dev-turnscribe"
  private_services_range = "dev-private-services"
  labels                 = { environment = "dev" }
}

run "a_full_redis_refuses_writes_and_forgets_nothing" {
  command = plan

  assert {
    condition     = google_redis_instance.this.redis_configs["maxmemory-policy"] == "noeviction"
    error_message = "Memorystore's default, volatile-lru, drops leases and the state of connections when memory is short"
  }
}

run "redis_speaks_tls_and_nothing_else" {
  command = apply

  assert {
    condition     = google_redis_instance.this.transit_encryption_mode == "SERVER_AUTHENTICATION"
    error_message = "audio and passwords would cross the network in the clear"
  }

  assert {
    condition     = output.port == 6378 && output.host == "10.20.0.4"
    error_message = "the segmenter would not find Redis"
  }

  assert {
    condition     = output.ca_cert == "-----BEGIN CERTIFICATE-----\nold\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nnew\n-----END CERTIFICATE-----"
    error_message = "the segmenter could not tell that it is Redis that answers, or no longer after the authority changes"
  }
}

run "redis_asks_for_a_password" {
  command = apply

  assert {
    condition     = google_redis_instance.this.auth_enabled && nonsensitive(output.auth_string) == "made-by-memorystore"
    error_message = "whoever is on the network could read and change the hot state"
  }
}

run "without_auth_there_is_no_password_to_hand_on" {
  command = apply

  variables {
    auth = false
  }

  assert {
    condition     = google_redis_instance.this.auth_enabled == false && output.auth_string == null
    error_message = "a password would be handed on that Redis does not ask for"
  }
}

run "redis_is_reached_from_the_network_alone" {
  command = plan

  assert {
    condition = (
      google_redis_instance.this.authorized_network == var.network_id &&
      google_redis_instance.this.connect_mode == "PRIVATE_SERVICE_ACCESS" &&
      google_redis_instance.this.reserved_ip_range == "dev-private-services"
    )
    error_message = "Redis would be somewhere else than in the network's private range"
  }
}

run "redis_is_of_the_version_that_was_tested" {
  command = plan

  assert {
    condition     = startswith(google_redis_instance.this.redis_version, "REDIS_7_")
    error_message = "turnscribe is tested with Redis 7"
  }

  assert {
    condition     = google_redis_instance.this.tier == "BASIC" && google_redis_instance.this.memory_size_gb == 1
    error_message = "more is paid for than was asked for"
  }
}

run "no_audio_stays_on_disk_unless_snapshots_are_asked_for" {
  command = plan

  assert {
    condition     = google_redis_instance.this.persistence_config[0].persistence_mode == "DISABLED"
    error_message = "snapshots would keep audio of meetings that were deleted"
  }
}

run "maintenance_has_its_hour" {
  command = plan

  variables {
    maintenance_window = { day = "TUESDAY", hour_utc = 2 }
  }

  assert {
    condition = (
      google_redis_instance.this.maintenance_policy[0].weekly_maintenance_window[0].day == "TUESDAY" &&
      google_redis_instance.this.maintenance_policy[0].weekly_maintenance_window[0].start_time[0].hours == 2
    )
    error_message = "Redis could be emptied in the middle of a working day"
  }
}

run "monitoring_knows_the_instance_by_its_whole_name" {
  command = plan

  assert {
    condition     = output.instance_id == "projects/a-project/locations/europe-west1/instances/dev-turnscribe"
    error_message = "alerts would look at an instance that is not there"
  }

  assert {
    condition     = google_redis_instance.this.labels["environment"] == "dev"
    error_message = "the instance's cost could not be told from others'"
  }
}

run "a_highly_available_redis_has_replicas_and_snapshots_as_wanted" {
  command = plan

  variables {
    tier            = "STANDARD_HA"
    memory_gb       = 5
    replicas        = 2
    snapshot_period = "ONE_HOUR"
  }

  assert {
    condition = (
      google_redis_instance.this.tier == "STANDARD_HA" &&
      google_redis_instance.this.replica_count == 2 &&
      google_redis_instance.this.read_replicas_mode == "READ_REPLICAS_ENABLED"
    )
    error_message = "a second replica is only to be had with an endpoint for reading"
  }

  assert {
    condition = (
      google_redis_instance.this.persistence_config[0].persistence_mode == "RDB" &&
      google_redis_instance.this.persistence_config[0].rdb_snapshot_period == "ONE_HOUR"
    )
    error_message = "the snapshots that were asked for are not taken"
  }

  assert {
    condition     = google_redis_instance.this.redis_configs["maxmemory-policy"] == "noeviction"
    error_message = "this Redis would forget what it has no room for"
  }
}

run "one_node_has_neither_replicas_nor_snapshots" {
  command = plan

  variables {
    replicas        = 2
    snapshot_period = "ONE_HOUR"
  }

  expect_failures = [var.replicas, var.snapshot_period]
}

run "what_memorystore_would_refuse_is_refused_here" {
  command = plan

  variables {
    prefix             = "dev"
    memory_gb          = 0.5
    redis_version      = "REDIS_6_X"
    snapshot_period    = "DAILY"
    maintenance_window = { day = "Sunday", hour_utc = 24 }
  }

  expect_failures = [
    var.prefix,
    var.memory_gb,
    var.redis_version,
    var.snapshot_period,
    var.maintenance_window,
  ]
}

run "an_unknown_tier_is_refused" {
  command = plan

  variables {
    tier = "CLUSTER"
  }

  expect_failures = [var.tier]
}
