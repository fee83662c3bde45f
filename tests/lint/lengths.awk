# SPDX-License-Identifier: BSD-2-Clause
# Lengths of files and of functions; a function with a switch may have 120 lines.
FNR == 1 { name = "" }
FNR == 601 { print FILENAME ": more than 600 lines" }

# In this style a function's braces are the ones alone at the first column.
/^[a-zA-Z_].*\)$|^[a-zA-Z_].*,$|^[a-zA-Z_].*\($/ { if (!name) head = $0 }
/^{$/ { name = head; start = FNR; has_switch = 0 }
/^\tswitch \(|^\t\tswitch \(/ { has_switch = 1 }
/^}$/ && name {
	if (FNR - start > (has_switch ? 120 : 80))
		print FILENAME ":" start ": " FNR - start " lines: " name
	name = ""
}
