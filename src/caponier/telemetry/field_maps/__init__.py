"""Field maps: logs of other forms to inference events; the YAML files beside this one ship with the product."""
