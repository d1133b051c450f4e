# The dashboard: each row of dashboard_rows.tf is a heading and its charts, three side by side.

locals {
  columns      = 12
  chart_width  = 4
  chart_height = 4
  title_height = 1

  in_a_line   = local.columns / local.chart_width
  row_heights = [for row in local.rows : local.title_height + local.chart_height * ceil(length(row.charts) / local.in_a_line)]
  row_tops    = [for index, row in local.rows : sum(concat([0], slice(local.row_heights, 0, index)))]

  titles = [
    for index, row in local.rows : {
      xPos   = 0
      yPos   = local.row_tops[index]
      width  = local.columns
      height = local.title_height
      widget = { title = row.title, sectionHeader = { subtitle = row.says, dividerBelow = false } }
    }
  ]

  charts = flatten([
    for index, row in local.rows : [
      for place, chart in row.charts : {
        xPos   = local.chart_width * (place % local.in_a_line)
        yPos   = local.row_tops[index] + local.title_height + local.chart_height * floor(place / local.in_a_line)
        width  = local.chart_width
        height = local.chart_height
        widget = {
          title = chart.title
          xyChart = {
            yAxis = { label = chart.unit, scale = "LINEAR" }
            dataSets = [
              # A field that is not wanted must be missing: null would not do.
              for set in chart.sets : merge(
                { plotType = "LINE", targetAxis = "Y1", minAlignmentPeriod = "60s" },
                { for text in compact([set.legend]) : "legendTemplate" => text },
                {
                  timeSeriesQuery = {
                    for name, query in {
                      prometheusQuery = set.promql
                      timeSeriesFilter = {
                        filter = set.filter
                        aggregation = {
                          alignmentPeriod    = "60s"
                          perSeriesAligner   = set.aligner
                          crossSeriesReducer = set.reducer
                          groupByFields      = set.by
                        }
                      }
                    } : name => query if name == (set.promql == "" ? "timeSeriesFilter" : "prometheusQuery")
                  }
                },
              )
            ]
          }
        }
      }
    ]
  ])
}

resource "google_monitoring_dashboard" "this" {
  project = var.project_id

  dashboard_json = jsonencode({
    displayName  = "${var.prefix}turnscribe"
    mosaicLayout = { columns = local.columns, tiles = concat(local.titles, local.charts) }
  })

  depends_on = [time_sleep.metrics_known]
}
