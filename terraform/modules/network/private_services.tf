# Memorystore lives in a network of Google's, which is peered with ours and takes its addresses from a range that we set aside.

resource "google_compute_global_address" "private_services" {
  project       = var.project_id
  name          = "${var.prefix}private-services"
  description   = "Set aside for Memorystore."
  network       = google_compute_network.this.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = var.private_services.address
  prefix_length = var.private_services.prefix_length
}

resource "google_service_networking_connection" "this" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.private_services.name]
}
