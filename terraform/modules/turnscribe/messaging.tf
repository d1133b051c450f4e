# Topics, pushes and sweeps, and who may publish what.

locals {
  # The replay of a dead letter publishes it where it was published before: the api needs every topic whose messages may become one.
  replayed_topics = distinct([for each in values(local.topology.subscriptions) : each.topic if try(each.dead_letter_topic, null) != null])

  publishes = {
    ingest     = ["stream-events"]
    segmenter  = ["stream-events", "segments"]
    transcribe = ["stream-events", "segments", "transcripts", "deliveries"]
    api        = local.replayed_topics
  }
}

module "pubsub_pipe" {
  source     = "../pubsub_pipe"
  depends_on = [google_project_service.this]

  project_id                 = var.project_id
  project_number             = var.project_number
  region                     = var.region
  prefix                     = var.prefix
  labels                     = var.labels
  service_urls               = { for service in keys(local.push_deadlines_sec) : service => local.urls[service] }
  push_service_account_email = local.emails.push
  bucket                     = module.storage.name
  dropbox_path               = var.paths.dropbox
  schedules_paused           = var.schedules_paused

  publishers = merge(
    merge([
      for service, topics in local.publishes : { for topic in topics : "${service} ${topic}" => { topic = topic, member = local.members[service] } }
    ]...),
    { for name, member in var.upload_publishers : "upstream ${name}" => { topic = "audio-uploads", member = member } },
  )
}
