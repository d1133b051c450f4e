# What each service may do in the bucket, in the database and with traces. Topics are in messaging.tf, secrets in data.tf, who may call
# whom in services.tf.

locals {
  # Reading and writing are limited to folders. Listing is not: Cloud Storage asks for the right to list on the bucket, whatever prefix
  # is listed, and readiness lists without one. So names can be seen, and no content.
  bucket_access = {
    # Ingest, which everybody can reach, can neither delete nor overwrite.
    "ingest creates what is uploaded"       = { service = "ingest", role = "roles/storage.objectCreator", folders = [var.paths.raw_audio] }
    "ingest reads uploads and the drop box" = { service = "ingest", role = "roles/storage.objectViewer", folders = [var.paths.raw_audio, var.paths.dropbox] }
    "segmenter cuts, and erases both"       = { service = "segmenter", role = "roles/storage.objectUser", folders = [var.paths.raw_audio, var.paths.segments] }
    "transcribe reads what it transcribes"  = { service = "transcribe", role = "roles/storage.objectViewer", folders = [var.paths.raw_audio] }
    "transcribe keeps what failed"          = { service = "transcribe", role = "roles/storage.objectUser", folders = ["${var.paths.raw_audio}/dead-letters", "${var.paths.raw_audio}/quarantine", var.paths.segments] }
    "api reads"                             = { service = "api", role = "roles/storage.objectViewer", folders = [var.paths.raw_audio] }
    "api replays dead letters and meetings" = { service = "api", role = "roles/storage.objectUser", folders = ["${var.paths.raw_audio}/dead-letters", var.paths.segments] }
  }

  # Of Google's services the four stand on the same two.
  pipeline = toset(keys(local.service_names))
}

resource "google_storage_bucket_iam_member" "services" {
  for_each = local.bucket_access

  bucket = module.storage.name
  role   = each.value.role
  member = local.members[each.value.service]

  condition {
    title       = each.key
    description = "Below ${join(", ", each.value.folders)}, and listing."
    expression = join(" || ", concat(
      ["resource.type == \"storage.googleapis.com/Bucket\""],
      [for folder in each.value.folders : "resource.name.startsWith(\"projects/_/buckets/${module.storage.name}/objects/${folder}/\")"],
    ))
  }
}

resource "google_storage_bucket_iam_member" "dropbox_writers" {
  for_each = var.dropbox_writers

  bucket = module.storage.name
  role   = "roles/storage.objectCreator"
  member = each.value

  condition {
    title       = "drop box alone"
    description = "Below ${var.paths.dropbox}."
    expression  = "resource.name.startsWith(\"projects/_/buckets/${module.storage.name}/objects/${var.paths.dropbox}/\")"
  }
}

# Buckets of others, whose objects messages may name.
resource "google_storage_bucket_iam_member" "ingest_reads_sources" {
  for_each = toset([for bucket, source in var.upload_source_buckets : bucket if source.grant])

  bucket = each.value
  role   = "roles/storage.objectViewer"
  member = local.members.ingest
}

# Firestore has no policies of its own for databases: a condition on the project's does it.
resource "google_project_iam_member" "database" {
  for_each = local.pipeline

  project = var.project_id
  role    = "roles/datastore.user"
  member  = local.members[each.value]

  condition {
    title       = "turnscribe's database alone"
    description = module.firestore.name
    expression  = "resource.name == \"projects/${var.project_id}/databases/${module.firestore.name}\""
  }
}

resource "google_project_iam_member" "traces" {
  for_each = local.pipeline

  project = var.project_id
  role    = "roles/cloudtrace.agent"
  member  = local.members[each.value]
}
