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

run "a_name_an_image_and_limits_that_cloud_run_does_not_take_are_refused" {
  command = plan

  variables {
    image          = "images.example/ingest:latest"
    name           = "Ingest"
    project_number = "a-project"
    timeout_sec    = 0
    concurrency    = 1001
    cpu            = 0.5
    max_instances  = 0
    ingress        = "INTERNAL"
    invokers       = { all = "allUsers" }
    volumes        = { models = { bucket = "models", mount_path = "models" } }
  }

  expect_failures = [var.image, var.name, var.project_number, var.timeout_sec, var.concurrency, var.cpu, var.max_instances, var.ingress, var.invokers, var.volumes]
}

run "half_a_digest_a_long_name_and_more_of_each_than_there_is_are_refused" {
  command = plan

  variables {
    image          = "images.example/ingest@sha256:0123"
    name           = "a0123456789012345678901234567890123456789012345678"
    timeout_sec    = 3601
    memory         = "8Gi"
    env            = { PORT = "8080" }
    min_instances  = 31
    liveness_probe = { period_sec = 10 }
  }

  expect_failures = [var.image, var.name, var.timeout_sec, var.memory, var.env, var.min_instances, var.liveness_probe]
}

run "signatures_that_nobody_checks_and_a_start_that_lasts_too_long_are_refused" {
  command = plan

  variables {
    public        = true
    env           = { PUSH_SIGNATURE = "cloud_run" }
    startup_probe = { failure_threshold = 300 }
  }

  expect_failures = [var.env, var.startup_probe]
}

run "more_requests_than_threads_and_a_probe_that_outlasts_its_period_are_refused" {
  command = plan

  variables {
    env           = { WEB_CONCURRENCY = "2", GUNICORN_THREADS = "8" }
    startup_probe = { timeout_sec = 2 }
  }

  expect_failures = [var.env, var.startup_probe]
}

run "a_variable_that_is_value_and_secret_and_memory_in_decimal_units_are_refused" {
  command = plan

  variables {
    env        = { API_TOKEN = "x" }
    secret_env = { API_TOKEN = { secret = "api-token", version = "1" } }
    memory     = "2G"
  }

  expect_failures = [var.secret_env, var.memory]
}

run "a_gpu_with_request_based_billing_is_refused" {
  command = plan

  variables {
    cpu    = 4
    memory = "16Gi"
    gpu    = {}
  }

  expect_failures = [var.gpu]
}

run "a_gpu_with_too_little_cpu_is_refused" {
  command = plan

  variables {
    cpu      = 2
    memory   = "8Gi"
    cpu_idle = false
    gpu      = {}
  }

  expect_failures = [var.gpu]
}

run "a_gpu_with_too_little_memory_is_refused" {
  command = plan

  variables {
    cpu      = 4
    memory   = "8Gi"
    cpu_idle = false
    gpu      = {}
  }

  expect_failures = [var.gpu]
}

run "a_gpu_of_another_kind_and_a_secret_without_a_version_are_refused" {
  command = plan

  variables {
    cpu        = 4
    memory     = "16Gi"
    cpu_idle   = false
    gpu        = { type = "nvidia-t4" }
    secret_env = { API_TOKEN = { secret = "api-token", version = "" } }
  }

  expect_failures = [var.gpu, var.secret_env]
}

run "too_little_memory_for_so_many_cpus_is_refused" {
  command = plan

  variables {
    cpu    = 4
    memory = "1Gi"
  }

  expect_failures = [var.memory]
}

run "memory_below_the_least_is_refused" {
  command = plan

  variables {
    memory = "256Mi"
  }

  expect_failures = [var.memory]
}
