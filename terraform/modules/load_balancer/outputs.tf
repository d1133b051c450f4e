output "ip_address" {
  description = "Address that the domains must point to."
  value       = google_compute_global_address.this.address
}

output "urls" {
  description = "Base URL of each service at its domain."
  value       = { for key, domain in var.domains : key => "https://${domain}" }
}

output "dns_records" {
  description = "Records to make where the domains are kept: first the CNAMEs, which get the certificates issued, then the A records."
  value = concat(
    [
      for key in sort(keys(var.domains)) : {
        name = google_certificate_manager_dns_authorization.this[key].dns_resource_record[0].name
        type = google_certificate_manager_dns_authorization.this[key].dns_resource_record[0].type
        data = google_certificate_manager_dns_authorization.this[key].dns_resource_record[0].data
      }
    ],
    [
      for key in sort(keys(var.domains)) : {
        name = "${var.domains[key]}."
        type = "A"
        data = google_compute_global_address.this.address
      }
    ],
  )
}
