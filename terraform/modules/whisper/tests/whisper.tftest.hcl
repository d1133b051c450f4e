mock_provider "google" {}

variables {
  project_id            = "a-project"
  project_number        = "123456789"
  region                = "europe-west1"
  prefix                = "dev-"
  image                 = "images.example/whisper@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  service_account_email = "whisper@a-project.iam.gserviceaccount.com"
  invokers              = { transcribe = "serviceAccount:transcribe@a-project.iam.gserviceaccount.com" }
}

run "a_whisper_scales_to_zero_on_an_l4_that_reads_its_model_from_the_bucket" {
  command = plan

  variables {
    models_bucket = "models-of-a-project"
    model         = "small.en"
  }

  assert {
    condition = (
      [for grant in google_storage_bucket_iam_member.reads_models : "${grant.bucket} ${grant.role} ${grant.member}"] ==
      ["models-of-a-project roles/storage.objectViewer serviceAccount:whisper@a-project.iam.gserviceaccount.com"]
    )
    error_message = "the server could not read its model, or could do more than that"
  }

  assert {
    condition = (
      output.revision.accelerator == "nvidia-l4" &&
      output.revision.limits == tomap({ cpu = "4", memory = "16Gi", "nvidia.com/gpu" = "1" }) &&
      output.revision.cpu_idle == false &&
      output.revision.min_instances == 0
    )
    error_message = "Cloud Run would refuse the GPU, or keep it while nobody speaks"
  }

  assert {
    condition     = output.invoker_members == tolist(["serviceAccount:transcribe@a-project.iam.gserviceaccount.com"])
    error_message = "others than transcribe may call it"
  }

  assert {
    condition     = output.revision.concurrency == 10 && output.revision.env["WHISPER_WORKERS"] == "2" && output.revision.env["WHISPER_QUEUE"] == "8"
    error_message = "Cloud Run sends an instance more or less than it takes"
  }

  assert {
    condition     = output.revision.starts_with == "/health/ready"
    error_message = "requests would reach a server that has no model yet"
  }

  assert {
    condition = (
      output.revision.env["WHISPER_MODEL"] == "/models/small.en" &&
      output.revision.env["HF_HUB_OFFLINE"] == "1" &&
      output.revision.env["WHISPER_DEVICE"] == "cuda" &&
      output.revision.mounts == { models = "/models" }
    )
    error_message = "the server looks for its model elsewhere, or computes on the CPU beside its GPU"
  }

  assert {
    condition     = output.url == "https://dev-whisper-123456789.europe-west1.run.app" && output.name == "dev-whisper"
    error_message = "the service has another name or URL"
  }

  assert {
    condition     = output.transcribe_env == { WHISPER_SERVICE_URL = output.url, WHISPER_DIALECT = "openai", WHISPER_AUTH = "google" }
    error_message = "transcribe would not show who it is"
  }
}

run "a_model_without_a_bucket_is_downloaded_into_memory_and_no_bucket_is_granted" {
  command = plan

  assert {
    condition     = length(google_storage_bucket_iam_member.reads_models) == 0
    error_message = "a grant that nobody asked for"
  }

  assert {
    condition = (
      output.revision.env["WHISPER_MODEL"] == "large-v3-turbo" &&
      output.revision.env["HF_HOME"] == "/tmp/huggingface" &&
      length(output.revision.mounts) == 0
    )
    error_message = "the model would be downloaded to where nothing can be written"
  }
}

run "without_a_gpu_it_computes_on_the_cpu_and_is_paid_for_by_the_request" {
  command = plan

  variables {
    gpu    = null
    cpu    = 2
    memory = "4Gi"
    env    = { WHISPER_BEAM_SIZE = "1", WHISPER_DEVICE = "cuda" }
  }

  assert {
    condition = (
      output.revision.accelerator == null &&
      output.revision.limits == tomap({ cpu = "2", memory = "4Gi" }) &&
      output.revision.cpu_idle == true
    )
    error_message = "a GPU, or a billing, that nobody asked for"
  }

  assert {
    condition     = output.revision.env["WHISPER_DEVICE"] == "cpu" && output.revision.env["WHISPER_BEAM_SIZE"] == "1"
    error_message = "the server would look for a GPU, or what was set is not passed on"
  }
}

run "a_token_of_its_own_and_more_requests_than_it_takes_are_refused" {
  command = plan

  variables {
    env         = { WHISPER_API_TOKEN = "t" }
    concurrency = 11
  }

  expect_failures = [var.env, var.concurrency]
}

run "a_prefix_without_a_hyphen_a_folder_with_a_slash_and_an_unknown_compute_type_are_refused" {
  command = plan

  variables {
    prefix       = "dev"
    model        = "small.en/"
    compute_type = "int4"
  }

  expect_failures = [var.prefix, var.model, var.compute_type]
}
