# Cloud Armor: so many requests an address may make. What is beyond is answered 429 before it reaches, and costs, an instance.

locals {
  limited = var.rate_limit == null ? toset([]) : coalesce(var.rate_limit.services, toset(keys(var.domains)))
}

resource "google_compute_security_policy" "rate_limit" {
  #checkov:skip=CKV_GCP_73:It wants a rule against Log4j's flaw; no Java is behind this, and the policy is a limit and no firewall
  for_each = { for key, limit in { rate_limit = var.rate_limit } : key => limit if limit != null }

  project     = var.project_id
  name        = "${local.name}-rate-limit"
  description = "So many requests an address may make."
  type        = "CLOUD_ARMOR"

  rule {
    description = "At most ${each.value.requests} requests in ${each.value.interval_sec} s from an address"
    priority    = 1000
    action      = "throttle"
    preview     = each.value.preview

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = each.value.requests
        interval_sec = each.value.interval_sec
      }
    }
  }

  rule {
    description = "Everything else"
    priority    = 2147483647
    action      = "allow"

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}
