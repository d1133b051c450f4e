# Secrets, their values and who may read them. No value is in Terraform's state: what it sends, it forgets, and a number says when to
# send again.

locals {
  written = { for name, secret in var.secrets : name => secret.version if secret.version != null }

  readers = merge([
    for name, secret in var.secrets : {
      for reader, email in secret.accessor_emails : "${name}/${reader}" => { secret = name, email = email }
    }
  ]...)
}

resource "google_secret_manager_secret" "this" {
  for_each = var.secrets

  project   = var.project_id
  secret_id = "${var.prefix}${each.key}"
  labels    = var.labels

  replication {
    dynamic "auto" {
      for_each = length(var.replica_regions) == 0 ? ["everywhere"] : []

      content {}
    }

    dynamic "user_managed" {
      for_each = length(var.replica_regions) == 0 ? [] : ["here"]

      content {
        dynamic "replicas" {
          for_each = var.replica_regions

          content {
            location = replicas.value
          }
        }
      }
    }
  }

  dynamic "topics" {
    for_each = var.rotation_reminder == null ? [] : [var.rotation_reminder.topic]

    content {
      name = topics.value
    }
  }

  dynamic "rotation" {
    for_each = var.rotation_reminder == null ? [] : [var.rotation_reminder]

    content {
      rotation_period    = "${rotation.value.every_days * 86400}s"
      next_rotation_time = rotation.value.first_at
    }
  }

  lifecycle {
    ignore_changes = [rotation[0].next_rotation_time] # Secret Manager moves it on with each reminder
  }
}

resource "google_secret_manager_secret_version" "this" {
  for_each = local.written

  secret                 = google_secret_manager_secret.this[each.key].id
  secret_data_wo_version = each.value

  # Without a value: nothing, which Secret Manager refuses should there really be something to write.
  secret_data_wo = lookup(var.values, each.key, null) == null ? "" : var.values[each.key]

  # Revisions that are gone back to name the version that they were made with.
  deletion_policy = "ABANDON"

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = local.readers

  project   = var.project_id
  secret_id = google_secret_manager_secret.this[each.value.secret].id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${each.value.email}"
}
