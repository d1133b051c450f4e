variable "project_id" {
  description = "Project that the network belongs to."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region of the subnet and of the connector: that of the services."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "What the names of the network, the subnet, the connector and the range begin with."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]*-)?$", var.prefix))
    error_message = "prefix is empty, or begins with a lower-case letter and ends with a hyphen: dev-."
  }

  validation {
    condition     = length(var.prefix) <= 20
    error_message = "prefix has at most 20 characters: a connector's name has at most 25."
  }
}

variable "egress" {
  description = "How Cloud Run gets into the network: connector (machines of its own, paid by the hour) or direct (addresses of the subnet, paid by traffic)."
  type        = string
  default     = "connector"
  nullable    = false

  validation {
    condition     = contains(["connector", "direct"], var.egress)
    error_message = "egress is connector or direct."
  }
}

variable "connector" {
  description = "The Serverless VPC Access connector: its own range of 16 addresses, and its machines. Used with egress = connector only."
  type = object({
    cidr          = optional(string, "10.8.0.0/28")
    machine_type  = optional(string, "e2-micro")
    min_instances = optional(number, 2)
    max_instances = optional(number, 3)
  })
  default  = {}
  nullable = false

  validation {
    condition     = try("${cidrhost(var.connector.cidr, 0)}/28" == var.connector.cidr, false)
    error_message = "connector.cidr is a range of 16 addresses: 10.8.0.0/28."
  }

  validation {
    condition     = contains(["f1-micro", "e2-micro", "e2-standard-4"], var.connector.machine_type)
    error_message = "connector.machine_type is f1-micro, e2-micro or e2-standard-4."
  }

  validation {
    condition = (
      var.connector.min_instances >= 2 && var.connector.max_instances <= 10 &&
      var.connector.min_instances < var.connector.max_instances
    )
    error_message = "connector has 2 to 9 instances at least and 3 to 10 at most, and more at most than at least."
  }
}

variable "subnet_cidr" {
  description = "Addresses of the subnet. With egress = direct each instance of the segmenter takes one, and holds it for a while after its end: have four times as many as instances."
  type        = string
  default     = "10.8.1.0/24"
  nullable    = false

  validation {
    condition = try(
      cidrhost(var.subnet_cidr, 0) == split("/", var.subnet_cidr)[0] && tonumber(split("/", var.subnet_cidr)[1]) <= 26,
      false,
    )
    error_message = "subnet_cidr is a range of at least 64 addresses, by its first one: 10.8.1.0/24."
  }
}

variable "private_services" {
  description = "The range that Memorystore takes its addresses from. address: its first one, null for one that Google chooses."
  type = object({
    address       = optional(string)
    prefix_length = optional(number, 24)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.private_services.prefix_length >= 8 && var.private_services.prefix_length <= 24
    error_message = "private_services.prefix_length is 8 to 24: Google asks for at least 256 addresses."
  }
}

variable "flow_logs" {
  description = "Log the subnet's flows: of every such interval, this share (0 to 1) of them. Null: no flow logs. They cost by volume, and say who spoke with whom, not what."
  type = object({
    aggregation_interval = optional(string, "INTERVAL_5_MIN")
    sampling             = optional(number, 0.5)
  })
  default = null

  validation {
    condition = var.flow_logs == null || contains(
      ["INTERVAL_5_SEC", "INTERVAL_30_SEC", "INTERVAL_1_MIN", "INTERVAL_5_MIN", "INTERVAL_10_MIN", "INTERVAL_15_MIN"],
      try(var.flow_logs.aggregation_interval, ""),
    )
    error_message = "flow_logs.aggregation_interval is INTERVAL_ and 5_SEC, 30_SEC, 1_MIN, 5_MIN, 10_MIN or 15_MIN."
  }

  validation {
    condition     = var.flow_logs == null || try(var.flow_logs.sampling > 0 && var.flow_logs.sampling <= 1, false)
    error_message = "flow_logs.sampling is more than 0 and at most 1."
  }
}
