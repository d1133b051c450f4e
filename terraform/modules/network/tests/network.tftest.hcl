mock_provider "google" {}

variables {
  project_id = "a-project"
  region     = "europe-west1"
  prefix     = "dev-"
}

run "the_network_has_only_the_subnet_that_is_written_here" {
  command = plan

  assert {
    condition     = google_compute_network.this.auto_create_subnetworks == false && google_compute_network.this.name == "dev-turnscribe"
    error_message = "the network would get a subnet in every region"
  }

  assert {
    condition     = google_compute_subnetwork.this.region == "europe-west1" && google_compute_subnetwork.this.ip_cidr_range == "10.8.1.0/24"
    error_message = "the subnet is not where the services are"
  }

  assert {
    condition     = google_compute_subnetwork.this.private_ip_google_access
    error_message = "an instance without a public address could not reach Google's APIs"
  }

  assert {
    condition     = length(google_compute_subnetwork.this.log_config) == 0
    error_message = "flow logs are paid for without having been asked for"
  }
}

run "cloud_run_gets_in_through_a_connector" {
  # Ids are known after apply.
  command = apply

  assert {
    condition = (
      google_vpc_access_connector.this["this"].ip_cidr_range == "10.8.0.0/28" &&
      google_vpc_access_connector.this["this"].machine_type == "e2-micro" &&
      google_vpc_access_connector.this["this"].min_instances == 2 &&
      google_vpc_access_connector.this["this"].max_instances == 3 &&
      google_vpc_access_connector.this["this"].network == "dev-turnscribe"
    )
    error_message = "the connector is not the one that was described"
  }

  assert {
    condition     = output.vpc_access.connector == google_vpc_access_connector.this["this"].id && output.vpc_access.connector != null
    error_message = "services would not find the connector"
  }

  assert {
    condition     = output.vpc_access.network == null && output.vpc_access.subnetwork == null
    error_message = "Cloud Run refuses a connector together with a network"
  }

  assert {
    condition     = output.vpc_access.egress == "PRIVATE_RANGES_ONLY"
    error_message = "calls to Whisper and to receivers of webhooks would end in the network, which has no way out"
  }
}

run "with_direct_egress_no_connector_is_made_or_paid_for" {
  command = plan

  variables {
    egress      = "direct"
    subnet_cidr = "10.9.0.0/26"
  }

  assert {
    condition     = length(google_vpc_access_connector.this) == 0 && output.vpc_access.connector == null
    error_message = "a connector would stand idle"
  }

  assert {
    condition     = output.vpc_access.network == "dev-turnscribe" && output.vpc_access.subnetwork == "dev-turnscribe"
    error_message = "services would not find the network"
  }

  assert {
    condition     = google_compute_subnetwork.this.ip_cidr_range == "10.9.0.0/26"
    error_message = "instances would get other addresses than those set aside"
  }
}

run "memorystore_has_a_private_range_and_a_peering" {
  command = plan

  assert {
    condition = (
      google_compute_global_address.private_services.purpose == "VPC_PEERING" &&
      google_compute_global_address.private_services.address_type == "INTERNAL" &&
      google_compute_global_address.private_services.prefix_length == 24
    )
    error_message = "the range is none that a peering takes"
  }

  assert {
    condition = (
      google_service_networking_connection.this.service == "servicenetworking.googleapis.com" &&
      google_service_networking_connection.this.reserved_peering_ranges == tolist(["dev-private-services"])
    )
    error_message = "Memorystore would have no addresses in the network"
  }

  assert {
    condition     = output.private_services_range == "dev-private-services"
    error_message = "Redis would be made in another range"
  }
}

run "flow_logs_are_taken_where_they_are_asked_for" {
  command = plan

  variables {
    flow_logs = { sampling = 0.1 }
  }

  assert {
    condition = (
      google_compute_subnetwork.this.log_config[0].flow_sampling == 0.1 &&
      google_compute_subnetwork.this.log_config[0].aggregation_interval == "INTERVAL_5_MIN"
    )
    error_message = "flow logs are not as they were asked for"
  }
}

run "what_google_would_refuse_is_refused_here" {
  command = plan

  variables {
    prefix           = "an-environment-of-long-name-"
    egress           = "nat"
    connector        = { cidr = "10.8.0.0/24", machine_type = "n1-standard-1", min_instances = 3, max_instances = 3 }
    subnet_cidr      = "10.8.1.0/28"
    private_services = { prefix_length = 29 }
    flow_logs        = { aggregation_interval = "INTERVAL_1_DAY", sampling = 0 }
  }

  expect_failures = [
    var.prefix,
    var.egress,
    var.connector,
    var.subnet_cidr,
    var.private_services,
    var.flow_logs,
  ]
}

run "a_prefix_without_its_hyphen_is_refused" {
  command = plan

  variables {
    prefix = "dev"
  }

  expect_failures = [var.prefix]
}
