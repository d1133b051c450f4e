# The network between the segmenter and Redis. Nothing else is on it: the other services speak with Google's APIs alone.
# There are no firewall rules: without any, a network of one's own lets nothing in.

resource "google_compute_network" "this" {
  #checkov:skip=CKV2_GCP_18:Without a rule nothing comes in. Only a project's network "default" has rules that let in.
  project                 = var.project_id
  name                    = "${var.prefix}turnscribe"
  description             = "Between Cloud Run and Memorystore."
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"
}

resource "google_compute_subnetwork" "this" {
  project                  = var.project_id
  region                   = var.region
  name                     = "${var.prefix}turnscribe"
  description              = "Where Cloud Run's instances get their addresses with direct egress."
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.subnet_cidr
  private_ip_google_access = true

  dynamic "log_config" {
    for_each = var.flow_logs == null ? [] : [var.flow_logs]

    content {
      aggregation_interval = log_config.value.aggregation_interval
      flow_sampling        = log_config.value.sampling
      metadata             = "INCLUDE_ALL_METADATA"
    }
  }
}

resource "google_vpc_access_connector" "this" {
  for_each = toset(var.egress == "connector" ? ["this"] : [])

  project       = var.project_id
  region        = var.region
  name          = "${var.prefix}run"
  network       = google_compute_network.this.name
  ip_cidr_range = var.connector.cidr
  machine_type  = var.connector.machine_type
  min_instances = var.connector.min_instances
  max_instances = var.connector.max_instances
}
