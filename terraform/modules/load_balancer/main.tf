# A global external application load balancer: domains of one's own in front of Cloud Run services.

locals {
  name = "${var.prefix}lb"

  # The first domain by name of its service: where somebody is sent who asks for none of them.
  first = sort(keys(var.domains))[0]
}

resource "google_compute_global_address" "this" {
  project      = var.project_id
  name         = local.name
  address_type = "EXTERNAL"
  ip_version   = "IPV4"
  labels       = var.labels
}

resource "google_compute_region_network_endpoint_group" "this" {
  for_each = var.domains

  project               = var.project_id
  region                = var.region
  name                  = "${local.name}-${each.key}"
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = var.services[each.key]
  }
}

# No timeout, health check or balancing mode: for a serverless group the API refuses them. Cloud Run's own timeout is what ends a
# WebSocket or an event stream.
resource "google_compute_backend_service" "this" {
  for_each = var.domains

  project               = var.project_id
  name                  = "${local.name}-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = contains(local.limited, each.key) ? google_compute_security_policy.rate_limit["rate_limit"].id : null

  backend {
    group = google_compute_region_network_endpoint_group.this[each.key].id
  }

  log_config {
    enable      = var.log_sample_rate > 0
    sample_rate = var.log_sample_rate
  }
}

resource "google_compute_url_map" "this" {
  project = var.project_id
  name    = local.name

  default_url_redirect {
    host_redirect          = var.domains[local.first]
    https_redirect         = true
    redirect_response_code = "FOUND"
    strip_query            = false
  }

  dynamic "host_rule" {
    for_each = var.domains

    content {
      hosts        = [host_rule.value]
      path_matcher = host_rule.key
    }
  }

  dynamic "path_matcher" {
    for_each = var.domains

    content {
      name            = path_matcher.key
      default_service = google_compute_backend_service.this[path_matcher.key].id
    }
  }
}

resource "google_compute_target_https_proxy" "this" {
  project         = var.project_id
  name            = local.name
  url_map         = google_compute_url_map.this.id
  ssl_policy      = google_compute_ssl_policy.this.id
  certificate_map = "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.this.id}"
}

resource "google_compute_ssl_policy" "this" {
  project         = var.project_id
  name            = local.name
  profile         = var.tls_profile
  min_tls_version = "TLS_1_2"
}

resource "google_compute_global_forwarding_rule" "https" {
  project               = var.project_id
  name                  = "${local.name}-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.this.id
  labels                = var.labels
}

# Whoever comes by HTTP is sent to HTTPS. With 301, so that a client that uploads by HTTP fails and is put right: 308 would let it
# go on, with its token in the clear each time.
resource "google_compute_url_map" "redirect" {
  project = var.project_id
  name    = "${local.name}-redirect"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "redirect" {
  project = var.project_id
  name    = "${local.name}-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "http" {
  project               = var.project_id
  name                  = "${local.name}-http"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect.id
  labels                = var.labels
}
