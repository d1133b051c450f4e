mock_provider "google" {}

variables {
  project_id            = "a-project"
  project_number        = "123456789"
  region                = "europe-west1"
  name                  = "dev-ingest"
  image                 = "images.example/ingest@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  service_account_email = "ingest@a-project.iam.gserviceaccount.com"
  max_instances         = 30
  timeout_sec           = 600
  concurrency           = 80
}

run "what_costs_or_breaks_streams_is_set_and_not_left_to_defaults" {
  command = plan

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].containers[0].resources[0].cpu_idle == true &&
      google_cloud_run_v2_service.this.template[0].containers[0].resources[0].startup_cpu_boost == true &&
      google_cloud_run_v2_service.this.template[0].containers[0].resources[0].limits == tomap({ cpu = "1", memory = "2Gi" })
    )
    error_message = "instances would be paid for while they do nothing, or have other sizes than asked for"
  }

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].timeout == "600s" &&
      google_cloud_run_v2_service.this.template[0].max_instance_request_concurrency == 80 &&
      google_cloud_run_v2_service.this.template[0].scaling[0].min_instance_count == 0 &&
      google_cloud_run_v2_service.this.template[0].scaling[0].max_instance_count == 30 &&
      google_cloud_run_v2_service.this.template[0].session_affinity == false &&
      google_cloud_run_v2_service.this.template[0].execution_environment == "EXECUTION_ENVIRONMENT_GEN2"
    )
    error_message = "timeout, concurrency or scaling are left to Cloud Run"
  }

  assert {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", google_cloud_run_v2_service.this.template[0].containers[0].image))
    error_message = "the image is not named by its digest"
  }

  assert {
    condition     = google_cloud_run_v2_service.this.template[0].service_account == "ingest@a-project.iam.gserviceaccount.com"
    error_message = "the service runs as another account, such as the project's default one"
  }

  assert {
    condition     = length(google_cloud_run_v2_service.this.template[0].node_selector) == 0 && length(google_cloud_run_v2_service.this.template[0].vpc_access) == 0 && length(google_cloud_run_v2_service.this.template[0].volumes) == 0
    error_message = "a GPU, a network or a volume that nobody asked for"
  }

  assert {
    condition     = google_cloud_run_v2_service.this.deletion_protection == true
    error_message = "the service could be deleted by mistake"
  }

  assert {
    condition     = google_cloud_run_v2_service.this.traffic[0].type == "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST" && google_cloud_run_v2_service.this.traffic[0].percent == 100
    error_message = "a revision that Terraform makes would get no traffic"
  }
}

run "its_url_is_known_before_it_exists_and_tokens_for_it_are_taken" {
  command = plan

  variables {
    custom_audiences = ["https://ingest.turnscribe.example"]
  }

  assert {
    condition     = output.url == "https://dev-ingest-123456789.europe-west1.run.app"
    error_message = "others would call it by another URL than Cloud Run gives it"
  }

  assert {
    condition     = google_cloud_run_v2_service.this.custom_audiences == tolist([output.url, "https://ingest.turnscribe.example"])
    error_message = "a token for the service's URL or domain would be refused"
  }
}

run "a_private_service_may_be_called_by_its_invokers_alone" {
  command = plan

  variables {
    invokers = {
      push    = "serviceAccount:push@a-project.iam.gserviceaccount.com"
      monitor = "serviceAccount:monitor@a-project.iam.gserviceaccount.com"
    }
  }

  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.public) == 0
    error_message = "anybody may call a private service"
  }

  assert {
    condition = (
      tomap({ for key, grant in google_cloud_run_v2_service_iam_member.invoker : key => grant.member }) == var.invokers &&
      alltrue([for grant in google_cloud_run_v2_service_iam_member.invoker : grant.role == "roles/run.invoker" && grant.name == "dev-ingest"])
    )
    error_message = "others than the invokers may call it, or they may do more"
  }
}

run "nobody_may_call_or_deploy_unless_it_is_said" {
  command = plan

  assert {
    condition = (
      length(google_cloud_run_v2_service_iam_member.public) == 0 &&
      length(google_cloud_run_v2_service_iam_member.invoker) == 0 &&
      length(google_cloud_run_v2_service_iam_member.deployer) == 0 &&
      length(google_service_account_iam_member.deployer_acts_as_it) == 0
    )
    error_message = "a grant that nobody asked for"
  }
}

run "a_public_service_may_be_called_by_anybody_and_nothing_else_is_given_away" {
  command = plan

  variables {
    public = true
  }

  assert {
    condition = (
      [for grant in google_cloud_run_v2_service_iam_member.public : "${grant.member} ${grant.role}"] == ["allUsers roles/run.invoker"] &&
      length(google_cloud_run_v2_service_iam_member.invoker) == 0
    )
    error_message = "the public may not call it, or may do more than that"
  }

  assert {
    condition     = output.invoker_members == tolist(["allUsers"])
    error_message = "the module does not tell that the service is public"
  }
}

run "a_deployer_may_make_revisions_of_this_service_and_act_as_its_account" {
  command = plan

  variables {
    deployer_email = "deploy@builds.iam.gserviceaccount.com"
  }

  assert {
    condition = (
      google_cloud_run_v2_service_iam_member.deployer["deployer"].role == "roles/run.developer" &&
      google_cloud_run_v2_service_iam_member.deployer["deployer"].name == "dev-ingest" &&
      google_cloud_run_v2_service_iam_member.deployer["deployer"].member == "serviceAccount:deploy@builds.iam.gserviceaccount.com"
    )
    error_message = "the deployer could not deploy, or could deploy something else"
  }

  assert {
    condition = (
      google_service_account_iam_member.deployer_acts_as_it["deployer"].role == "roles/iam.serviceAccountUser" &&
      google_service_account_iam_member.deployer_acts_as_it["deployer"].service_account_id == "projects/a-project/serviceAccounts/ingest@a-project.iam.gserviceaccount.com" &&
      google_service_account_iam_member.deployer_acts_as_it["deployer"].member == "serviceAccount:deploy@builds.iam.gserviceaccount.com"
    )
    error_message = "a deployment would be refused: the deployer may not act as the service's account"
  }
}

run "an_instance_gets_requests_once_health_answers_and_is_replaced_when_it_stays_silent" {
  command = plan

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].http_get[0].path == "/health" &&
      google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].http_get[0].port == 8080 &&
      google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].period_seconds == 1 &&
      length(google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].tcp_socket) == 0
    )
    error_message = "requests would reach an instance that is not ready, or wait for a probe that comes late"
  }

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe[0].http_get[0].path == "/health" &&
      google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe[0].period_seconds * google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe[0].failure_threshold >= 300
    )
    error_message = "a stuck instance would stay, or a busy one would be killed with its streams"
  }
}

run "a_server_without_a_health_route_has_started_when_its_port_is_open" {
  command = plan

  variables {
    port           = 9000
    startup_probe  = { tcp = true }
    liveness_probe = null
  }

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].tcp_socket[0].port == 9000 &&
      length(google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].http_get) == 0 &&
      length(google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe) == 0
    )
    error_message = "the port is not what is looked at"
  }
}

run "values_are_in_the_revision_and_secrets_are_named_by_secret_and_version" {
  command = plan

  variables {
    env        = { GCS_BUCKET = "audio", WEB_CONCURRENCY = "1", GUNICORN_THREADS = "84" }
    secret_env = { API_TOKEN = { secret = "dev-api-token", version = "3" } }
  }

  assert {
    condition = (
      tomap(output.revision.env) == tomap(var.env) &&
      tomap(output.revision.secret_env) == tomap({ API_TOKEN = "dev-api-token:3" })
    )
    error_message = "a value is missing, or a secret, or it is not of the version that was asked for"
  }
}

run "a_connector_leads_into_the_network" {
  command = plan

  variables {
    vpc_access = { connector = "projects/a-project/locations/europe-west1/connectors/dev-redis", egress = "PRIVATE_RANGES_ONLY" }
  }

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].vpc_access[0].connector == "projects/a-project/locations/europe-west1/connectors/dev-redis" &&
      google_cloud_run_v2_service.this.template[0].vpc_access[0].egress == "PRIVATE_RANGES_ONLY" &&
      length(google_cloud_run_v2_service.this.template[0].vpc_access[0].network_interfaces) == 0
    )
    error_message = "the service does not reach the network by the connector"
  }
}

run "a_network_can_be_reached_directly" {
  command = plan

  variables {
    vpc_access = { network = "dev-network", subnetwork = "dev-subnet" }
  }

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].vpc_access[0].connector == null &&
      google_cloud_run_v2_service.this.template[0].vpc_access[0].network_interfaces[0].network == "dev-network" &&
      google_cloud_run_v2_service.this.template[0].vpc_access[0].network_interfaces[0].subnetwork == "dev-subnet"
    )
    error_message = "the service does not reach the network directly"
  }
}

run "an_l4_is_on_each_instance_and_billed_as_cloud_run_bills_it" {
  command = plan

  variables {
    cpu         = 4
    memory      = "16Gi"
    cpu_idle    = false
    gpu         = {}
    concurrency = 10
  }

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].node_selector[0].accelerator == "nvidia-l4" &&
      google_cloud_run_v2_service.this.template[0].containers[0].resources[0].limits["nvidia.com/gpu"] == "1" &&
      google_cloud_run_v2_service.this.template[0].containers[0].resources[0].cpu_idle == false &&
      google_cloud_run_v2_service.this.template[0].gpu_zonal_redundancy_disabled == true
    )
    error_message = "no GPU, a billing that GPUs do not have, or a second zone that was not asked for"
  }
}

run "a_bucket_is_mounted_to_be_read" {
  command = plan

  variables {
    volumes = { models = { bucket = "models-of-a-project", mount_path = "/models" } }
  }

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].volumes[0].name == "models" &&
      google_cloud_run_v2_service.this.template[0].volumes[0].gcs[0].bucket == "models-of-a-project" &&
      google_cloud_run_v2_service.this.template[0].volumes[0].gcs[0].read_only == true &&
      google_cloud_run_v2_service.this.template[0].containers[0].volume_mounts[0].mount_path == "/models" &&
      google_cloud_run_v2_service.this.template[0].containers[0].volume_mounts[0].name == "models"
    )
    error_message = "the bucket is not where it was asked for, or can be written to"
  }
}
