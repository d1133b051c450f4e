mock_provider "google" {}
mock_provider "time" {}

variables {
  project_id        = "a-project"
  project_number    = "123456789"
  region            = "europe-west1"
  prefix            = "dev-"
  runbook_url       = "https://docs.example/runbook.md"
  redis_instance_id = "dev-hot-state"
  uptime_urls       = { ingest = "https://ingest.turnscribe.example", api = "https://api.turnscribe.example" }
  services          = { ingest = "dev-ingest", segmenter = "dev-segmenter", transcribe = "dev-transcribe", api = "dev-api", whisper = "dev-whisper" }
  subscriptions     = { segmenter = "dev-segmenter", transcribe = "dev-transcribe" }
}

run "the_dashboard_shows_what_there_is" {
  command = plan

  # Rows stand below one another.
  assert {
    condition     = [for row in local.rows : row.title] == ["Intake", "Segmenting", "Whisper", "Queues", "From speech to text, and on to receivers", "What it runs on", "What it costs"]
    error_message = "the dashboard shows other rows"
  }

  assert {
    condition = length(distinct([
      for tile in jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles : "${tile.xPos}/${tile.yPos}"
    ])) == length(jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles)
    error_message = "two tiles lie on one another"
  }

  assert {
    condition = alltrue([
      for tile in jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles : tile.xPos + tile.width <= 12
    ])
    error_message = "a tile reaches beyond the last column"
  }

  # Every chart has data of one kind.
  assert {
    condition = alltrue(flatten([
      for tile in jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles : [
        for set in try(tile.widget.xyChart.dataSets, []) : (
          length(set.timeSeriesQuery) == 1 &&
          try(strcontains(set.timeSeriesQuery.prometheusQuery, "user_dev_"), startswith(set.timeSeriesQuery.timeSeriesFilter.filter, "metric.type=\""))
        )
      ]
    ]))
    error_message = "a chart has no data, or the API would not know which"
  }

  assert {
    condition     = !strcontains(google_monitoring_dashboard.this.dashboard_json, "null")
    error_message = "the API takes a field that is null for one that is wrong"
  }
}

run "redis_and_uptime_are_shown_where_they_are" {
  command = plan

  variables {
    redis_instance_id = null
    uptime_urls       = {}
  }

  assert {
    condition = (
      !strcontains(google_monitoring_dashboard.this.dashboard_json, "redis.googleapis.com") &&
      !strcontains(google_monitoring_dashboard.this.dashboard_json, "uptime_check")
    )
    error_message = "a chart shows what is not there"
  }
}
