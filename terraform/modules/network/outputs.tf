output "network_id" {
  description = "Id of the network, as Memorystore wants it."
  value       = google_compute_network.this.id
}

output "vpc_access" {
  description = "How a Cloud Run service gets into the network: its connector, or its network and subnetwork. What is not for the network goes past it."
  value = {
    connector  = var.egress == "connector" ? google_vpc_access_connector.this["this"].id : null
    network    = var.egress == "direct" ? google_compute_network.this.name : null
    subnetwork = var.egress == "direct" ? google_compute_subnetwork.this.name : null
    egress     = "PRIVATE_RANGES_ONLY"
  }
}

output "private_services_range" {
  description = "Name of the range that Memorystore takes its addresses from; known once the two networks are peered."
  value       = google_compute_global_address.private_services.name

  depends_on = [google_service_networking_connection.this]
}
