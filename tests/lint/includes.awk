# SPDX-License-Identifier: BSD-2-Clause
# Each folder of src/ includes itself, util/ and what stands in may[]; only files directly in
# src/ cross the stages. A .c file includes its own header first. lua.h stays in script/.
BEGIN {
	may["util"] = ""
	may["decode"] = ""
	may["capture"] = " decode/decoder.h decode/record.h bpf/* "
	may["conn"] = " decode/* capture/chunk.h capture/source.h "
	may["sink"] = " decode/record.h decode/fields.h decode/fields.def decode/names.h "
	may["script"] = " decode/record.h decode/fields.h decode/fields.def decode/decoder.h" \
		" decode/names.h decode/pb.h decode/hints.h sink/sink.h "
	may["sandbox"] = ""
}

FNR == 1 {
	parts = split(FILENAME, path, "/")
	folder = parts == 3 ? path[2] : "" # src/main.c belongs to no stage
	own = FILENAME
	sub(/^src\//, "", own)
	sub(/\.c$/, ".h", own)
	is_first = FILENAME ~ /\.c$/ && (getline line < ("src/" own)) > 0
	close("src/" own)
}

/^#include "/ {
	file = $2
	gsub(/"/, "", file)
	if (is_first && file != own)
		print FILENAME ":" FNR ": " own " comes first"
	is_first = 0
	check(file)
}

/^#include <(lua|lualib|lauxlib|luajit)\.h>/ && folder != "script" {
	print FILENAME ":" FNR ": only src/script includes lua.h"
}

function check(file,    to) {
	to = file
	sub(/\/.*/, "", to)
	if (folder == "" || to == folder || to == "util" || file !~ /\//)
		return
	if (!(folder in may)) {
		print FILENAME ": src/" folder " is not known to tests/lint/includes.awk"
		return
	}
	if (!index(may[folder], " " file " ") && !index(may[folder], " " to "/* "))
		print FILENAME ":" FNR ": " folder "/ may not include " file
}
