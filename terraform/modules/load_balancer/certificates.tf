# A certificate of Google's for each domain. By Certificate Manager and a DNS record, because such a certificate is there before the
# domain points here: a domain that is in use moves over without a minute of errors. The older kind (google_compute_managed_ssl_certificate)
# is issued only once the domain points at the load balancer, which until then answers every handshake with an error.

locals {
  # Names change with the domain, so that a new certificate can be there before the old one goes.
  certificate_names = { for key, domain in var.domains : key => "${local.name}-${key}-${substr(sha1(domain), 0, 8)}" }
}

resource "google_certificate_manager_dns_authorization" "this" {
  for_each = var.domains

  project = var.project_id
  name    = local.certificate_names[each.key]
  domain  = each.value
  labels  = var.labels

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_certificate_manager_certificate" "this" {
  for_each = var.domains

  project = var.project_id
  name    = local.certificate_names[each.key]
  labels  = var.labels

  managed {
    domains            = [each.value]
    dns_authorizations = [google_certificate_manager_dns_authorization.this[each.key].id]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_certificate_manager_certificate_map" "this" {
  project = var.project_id
  name    = local.name
  labels  = var.labels
}

resource "google_certificate_manager_certificate_map_entry" "this" {
  for_each = var.domains

  project      = var.project_id
  name         = local.certificate_names[each.key]
  map          = google_certificate_manager_certificate_map.this.name
  hostname     = each.value
  certificates = [google_certificate_manager_certificate.this[each.key].id]
  labels       = var.labels

  lifecycle {
    create_before_destroy = true
  }
}
