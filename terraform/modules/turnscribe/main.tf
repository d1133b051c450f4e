# One installation of turnscribe: what there is, and what it is called. Each part has a file of its own.

locals {
  topology = jsondecode(file("${path.module}/../../../common/topology.json"))

  # transcribe and api are one image in two roles: what is pushed stays private, what people read is public.
  service_names = { for service in ["ingest", "segmenter", "transcribe", "api"] : service => "${var.prefix}${service}" }

  # Cloud Run's second URL for a service, which follows from names alone: so it is known before there is the service, and services,
  # pushes and audiences can name one another.
  urls = { for service, name in local.service_names : service => "https://${name}-${var.project_number}.${var.region}.run.app" }

  # Where people and their programs go.
  public_urls = { for service in ["ingest", "api"] : service => try("https://${var.domains[service]}", local.urls[service]) }

  # How long a push may take, by service; see modules/pubsub_pipe.
  push_deadlines_sec = {
    for service in distinct([for each in values(local.topology.subscriptions) : each.service]) :
    service => min([for each in values(local.topology.subscriptions) : each.ack_deadline_sec if each.service == service]...)
  }

  makes_whisper = var.whisper.service != null
}

# What Google Cloud must have switched on. Taking the installation down leaves it on: others may use it.
resource "google_project_service" "this" {
  for_each = toset(concat(
    [
      "artifactregistry.googleapis.com",
      "cloudscheduler.googleapis.com",
      "cloudtrace.googleapis.com",
      "compute.googleapis.com",
      "firestore.googleapis.com",
      "iam.googleapis.com",
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "pubsub.googleapis.com",
      "redis.googleapis.com",
      "run.googleapis.com",
      "secretmanager.googleapis.com",
      "servicenetworking.googleapis.com",
      "storage.googleapis.com",
    ],
    var.network.egress == "connector" ? ["vpcaccess.googleapis.com"] : [],
    length(var.domains) == 0 ? [] : ["certificatemanager.googleapis.com"],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
  ))

  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}
