# One Cloud Run service. What the caller leaves out is set here and never left to Cloud Run's defaults, which cost money or streams.

locals {
  # Known before the service exists, unlike `uri`: services name each other by it, and pushes are signed for it.
  url = "https://${var.name}-${var.project_number}.${var.region}.run.app"

  # On a GPU instances are paid for as a whole: Cloud Run has no other billing there.
  gpu_limit = var.gpu == null ? {} : { "nvidia.com/gpu" = "1" }
}

resource "google_cloud_run_v2_service" "this" {
  project             = var.project_id
  location            = var.region
  name                = var.name
  labels              = var.labels
  ingress             = var.ingress
  custom_audiences    = concat([local.url], sort(tolist(var.custom_audiences)))
  deletion_protection = var.deletion_protection

  template {
    service_account                  = var.service_account_email
    timeout                          = "${var.timeout_sec}s"
    max_instance_request_concurrency = var.concurrency
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    session_affinity                 = false
    gpu_zonal_redundancy_disabled    = var.gpu == null ? null : !var.gpu.zonal_redundancy

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    dynamic "node_selector" {
      for_each = var.gpu == null ? [] : [var.gpu]

      content {
        accelerator = node_selector.value.type
      }
    }

    dynamic "vpc_access" {
      for_each = var.vpc_access == null ? [] : [var.vpc_access]

      content {
        connector = vpc_access.value.connector
        egress    = vpc_access.value.egress

        dynamic "network_interfaces" {
          for_each = vpc_access.value.connector == null ? [vpc_access.value] : []

          content {
            network    = network_interfaces.value.network
            subnetwork = network_interfaces.value.subnetwork
          }
        }
      }
    }

    containers {
      image = var.image

      ports {
        container_port = var.port
      }

      resources {
        limits = merge({ cpu = tostring(var.cpu), memory = var.memory }, local.gpu_limit)
        # Left out, a `resources` block means false to the API: instances would be paid for while they do nothing.
        cpu_idle          = var.cpu_idle
        startup_cpu_boost = var.startup_cpu_boost
      }

      dynamic "env" {
        for_each = var.env

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secret_env

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = env.value.secret
              version = env.value.version
            }
          }
        }
      }

      startup_probe {
        initial_delay_seconds = var.startup_probe.initial_delay_sec
        period_seconds        = var.startup_probe.period_sec
        timeout_seconds       = var.startup_probe.timeout_sec
        failure_threshold     = var.startup_probe.failure_threshold

        dynamic "http_get" {
          for_each = var.startup_probe.tcp ? [] : [var.startup_probe.path]

          content {
            path = http_get.value
            port = var.port
          }
        }

        dynamic "tcp_socket" {
          for_each = var.startup_probe.tcp ? [var.port] : []

          content {
            port = tcp_socket.value
          }
        }
      }

      dynamic "liveness_probe" {
        for_each = var.liveness_probe == null ? [] : [var.liveness_probe]

        content {
          period_seconds    = liveness_probe.value.period_sec
          timeout_seconds   = liveness_probe.value.timeout_sec
          failure_threshold = liveness_probe.value.failure_threshold

          http_get {
            path = liveness_probe.value.path
            port = var.port
          }
        }
      }

      dynamic "volume_mounts" {
        for_each = var.volumes

        content {
          name       = volume_mounts.key
          mount_path = volume_mounts.value.mount_path
        }
      }
    }

    dynamic "volumes" {
      for_each = var.volumes

      content {
        name = volumes.key

        gcs {
          bucket    = volumes.value.bucket
          read_only = volumes.value.read_only
        }
      }
    }
  }

  # What Terraform makes gets traffic at once. Later the deployer moves it, and leaves it here.
  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  lifecycle {
    # Which image runs and who gets traffic is the deployer's business, and so is what gcloud writes about itself.
    # template[0].revision is not among them on purpose: a name that a deployment left behind would be sent again with the
    # next change, and Cloud Run refuses a second revision of one name (409). As it is, such a name shows in the plan and goes.
    ignore_changes = [
      client,
      client_version,
      traffic,
      template[0].annotations,
      template[0].labels,
      template[0].containers[0].image,
    ]
  }
}
