mock_provider "google" {}

variables {
  project_id = "a-project"
  region     = "europe-west1"
  prefix     = "dev-"
  domains = {
    ingest = "ingest.turnscribe.example"
    api    = "api.turnscribe.example"
  }
  services = {
    ingest     = "dev-ingest"
    api        = "dev-api"
    transcribe = "dev-transcribe"
  }
}

run "each_domain_leads_to_its_service_and_the_others_stay_unreachable" {
  command = plan

  assert {
    condition     = { for key, group in google_compute_region_network_endpoint_group.this : key => group.cloud_run[0].service } == { ingest = "dev-ingest", api = "dev-api" }
    error_message = "another service than those with a domain can be reached"
  }

  assert {
    condition = alltrue([
      for group in google_compute_region_network_endpoint_group.this : group.network_endpoint_type == "SERVERLESS" && group.region == "europe-west1"
    ])
    error_message = "the services are looked for elsewhere"
  }

  assert {
    condition = (
      { for rule in google_compute_url_map.this.host_rule : one(rule.hosts) => rule.path_matcher } ==
      { "ingest.turnscribe.example" = "ingest", "api.turnscribe.example" = "api" } &&
      toset(google_compute_url_map.this.path_matcher[*].name) == toset(["ingest", "api"])
    )
    error_message = "a domain leads to another service than its own"
  }

  assert {
    condition     = output.urls == { ingest = "https://ingest.turnscribe.example", api = "https://api.turnscribe.example" }
    error_message = "others would be told other URLs"
  }
}

run "everybody_comes_by_tls_1_2_or_later_and_who_does_not_is_sent_there" {
  command = plan

  assert {
    condition     = google_compute_ssl_policy.this.min_tls_version == "TLS_1_2" && google_compute_ssl_policy.this.profile == "MODERN"
    error_message = "old TLS is spoken"
  }

  assert {
    condition = (
      google_compute_global_forwarding_rule.https.port_range == "443" &&
      google_compute_global_forwarding_rule.http.port_range == "80" &&
      google_compute_url_map.redirect.default_url_redirect[0].https_redirect == true &&
      google_compute_url_map.redirect.default_url_redirect[0].strip_query == false &&
      length(google_compute_url_map.redirect.path_matcher) == 0
    )
    error_message = "somebody is served by HTTP, or loses what was asked for on the way to HTTPS"
  }

  assert {
    condition     = google_compute_url_map.redirect.default_url_redirect[0].redirect_response_code == "MOVED_PERMANENTLY_DEFAULT"
    error_message = "a client that uploads by HTTP would go on sending its token in the clear"
  }

  assert {
    condition = alltrue([
      for part in concat(values(google_compute_backend_service.this), [google_compute_global_forwarding_rule.https, google_compute_global_forwarding_rule.http]) :
      part.load_balancing_scheme == "EXTERNAL_MANAGED"
    ])
    error_message = "parts of two kinds of load balancers do not fit together"
  }
}

run "a_certificate_for_each_domain_is_there_before_the_domain_points_here" {
  command = plan

  assert {
    condition = (
      { for key, certificate in google_certificate_manager_certificate.this : key => certificate.managed[0].domains } == { for key, domain in var.domains : key => tolist([domain]) } &&
      { for key, authorization in google_certificate_manager_dns_authorization.this : key => authorization.domain } == { for key, domain in var.domains : key => domain } &&
      { for key, entry in google_certificate_manager_certificate_map_entry.this : key => entry.hostname } == { for key, domain in var.domains : key => domain }
    )
    error_message = "a domain has no certificate, or one that waits for the domain"
  }
}

run "a_certificate_for_another_domain_has_another_name" {
  command = plan

  variables {
    domains = { api = "transcripts.turnscribe.example" }
  }

  assert {
    condition = (
      can(regex("^dev-lb-api-[0-9a-f]{8}$", google_certificate_manager_certificate.this["api"].name)) &&
      google_certificate_manager_certificate.this["api"].name != "dev-lb-api-${substr(sha1("api.turnscribe.example"), 0, 8)}"
    )
    error_message = "the new certificate could not be made before the old one goes"
  }
}

run "the_records_to_make_are_told" {
  command = apply

  override_resource {
    target = google_compute_global_address.this
    values = { address = "203.0.113.7" }
  }

  override_resource {
    target = google_certificate_manager_dns_authorization.this
    values = {
      dns_resource_record = [{ name = "_acme-challenge.some.example.", type = "CNAME", data = "1234.authorize.example." }]
    }
  }

  assert {
    condition     = output.ip_address == "203.0.113.7" && [for record in output.dns_records : record.type] == ["CNAME", "CNAME", "A", "A"]
    error_message = "a record is missing, or the domains would point here before their certificates are issued"
  }

  assert {
    condition = (
      output.dns_records[0] == { name = "_acme-challenge.some.example.", type = "CNAME", data = "1234.authorize.example." } &&
      output.dns_records[2] == { name = "api.turnscribe.example.", type = "A", data = "203.0.113.7" } &&
      output.dns_records[3] == { name = "ingest.turnscribe.example.", type = "A", data = "203.0.113.7" }
    )
    error_message = "a record is told wrongly"
  }

  assert {
    condition     = google_compute_target_https_proxy.this.certificate_map == "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.this.id}"
    error_message = "the load balancer has no certificates"
  }
}

run "a_tenth_of_the_requests_is_logged_and_nobody_is_limited_unless_it_is_said" {
  command = plan

  assert {
    condition = alltrue([
      for service in google_compute_backend_service.this : service.log_config[0].enable == true && service.log_config[0].sample_rate == 0.1
    ])
    error_message = "more or less is logged"
  }

  assert {
    condition     = length(google_compute_security_policy.rate_limit) == 0 && alltrue([for service in google_compute_backend_service.this : service.security_policy == null])
    error_message = "somebody would be refused"
  }
}

run "an_address_that_asks_too_often_is_refused_where_it_is_said_and_only_there" {
  command = apply

  variables {
    rate_limit      = { requests = 600, services = ["api"] }
    log_sample_rate = 0
  }

  assert {
    condition = alltrue([
      for rule in google_compute_security_policy.rate_limit["rate_limit"].rule :
      rule.rate_limit_options[0].enforce_on_key == "IP" &&
      rule.rate_limit_options[0].exceed_action == "deny(429)" &&
      rule.rate_limit_options[0].rate_limit_threshold[0].count == 600 &&
      rule.rate_limit_options[0].rate_limit_threshold[0].interval_sec == 60 &&
      rule.preview == false
      if rule.action == "throttle"
    ])
    error_message = "the limit is another than was asked for"
  }

  assert {
    condition     = { for rule in google_compute_security_policy.rate_limit["rate_limit"].rule : tostring(rule.priority) => rule.action } == { "1000" = "throttle", "2147483647" = "allow" }
    error_message = "who is within the limit would be refused, or nobody is limited"
  }

  assert {
    condition = (
      google_compute_backend_service.this["api"].security_policy == google_compute_security_policy.rate_limit["rate_limit"].id &&
      google_compute_backend_service.this["ingest"].security_policy == null
    )
    error_message = "the limit holds elsewhere than it was asked for"
  }

  assert {
    condition     = alltrue([for service in google_compute_backend_service.this : service.log_config[0].enable == false])
    error_message = "requests are logged that nobody wants logged"
  }
}

run "a_url_as_a_domain_and_values_that_google_refuses_are_refused" {
  command = plan

  variables {
    domains         = { ingest = "https://ingest.turnscribe.example" }
    prefix          = "dev"
    tls_profile     = "OLD"
    log_sample_rate = 1.5
  }

  expect_failures = [var.domains, var.prefix, var.tls_profile, var.log_sample_rate]
}

run "two_services_at_one_domain_are_refused" {
  command = plan

  variables {
    domains = {
      ingest = "turnscribe.example"
      api    = "turnscribe.example"
    }
  }

  expect_failures = [var.domains]
}

run "a_domain_for_no_service_and_an_interval_that_cloud_armor_does_not_have_are_refused" {
  command = plan

  variables {
    services   = { ingest = "dev-ingest" }
    rate_limit = { requests = 10, interval_sec = 61 }
  }

  expect_failures = [var.services, var.rate_limit]
}

run "a_limit_of_nothing_is_refused" {
  command = plan

  variables {
    rate_limit = { requests = 0 }
  }

  expect_failures = [var.rate_limit]
}

run "a_limit_for_a_service_without_a_domain_is_refused" {
  command = plan

  variables {
    rate_limit = { requests = 10, services = ["transcribe"] }
  }

  expect_failures = [var.rate_limit]
}
