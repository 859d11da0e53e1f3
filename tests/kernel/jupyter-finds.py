"""What Jupyter itself makes of the kernelspecs in this environment, as JSON: by name the folder, the names in it and the command."""

import json

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

found = {}
for name, one in KernelSpecManager().get_all_specs().items():
    manager = KernelManager(kernel_name=name, connection_file="/c/kernel.json")
    manager._launch_args = {}
    spec = one["spec"]
    found[name] = {
        "directory": one["resource_dir"],
        "displayName": spec["display_name"],
        "language": spec["language"],
        "interruptMode": spec["interrupt_mode"],
        "argv": manager.format_kernel_cmd(),
    }
print(json.dumps(found))
