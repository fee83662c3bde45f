/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/names.h"

#include <stddef.h>
#include <stdio.h>

#define NAME_AT(table, i) ((i) < sizeof(table) / sizeof((table)[0]) ? (table)[i] : NULL)

/* RFC 9113 §6; 0xb was never registered, 0xd..0xf are HTTP/3's or reserved. */
static const char *const frame_types[] = {
	[0x0] = "DATA",
	[0x1] = "HEADERS",
	[0x2] = "PRIORITY",
	[0x3] = "RST_STREAM",
	[0x4] = "SETTINGS",
	[0x5] = "PUSH_PROMISE",
	[0x6] = "PING",
	[0x7] = "GOAWAY",
	[0x8] = "WINDOW_UPDATE",
	[0x9] = "CONTINUATION",
	[0xa] = "ALTSVC",
	[0xc] = "ORIGIN",
	[0x10] = "PRIORITY_UPDATE",
};

/* RFC 9113 §7 */
static const char *const errors[] = {
	"NO_ERROR",
	"PROTOCOL_ERROR",
	"INTERNAL_ERROR",
	"FLOW_CONTROL_ERROR",
	"SETTINGS_TIMEOUT",
	"STREAM_CLOSED",
	"FRAME_SIZE_ERROR",
	"REFUSED_STREAM",
	"CANCEL",
	"COMPRESSION_ERROR",
	"CONNECT_ERROR",
	"ENHANCE_YOUR_CALM",
	"INADEQUATE_SECURITY",
	"HTTP_1_1_REQUIRED",
};

/* RFC 9113 §6.5.2; 8: RFC 8441 §3; 9: RFC 9218 §2.1 */
static const char *const settings[] = {
	[1] = "HEADER_TABLE_SIZE",
	[2] = "ENABLE_PUSH",
	[3] = "MAX_CONCURRENT_STREAMS",
	[4] = "INITIAL_WINDOW_SIZE",
	[5] = "MAX_FRAME_SIZE",
	[6] = "MAX_HEADER_LIST_SIZE",
	[8] = "ENABLE_CONNECT_PROTOCOL",
	[9] = "NO_RFC7540_PRIORITIES",
};

static const char *const grpc_statuses[] = {
	"OK",
	"CANCELLED",
	"UNKNOWN",
	"INVALID_ARGUMENT",
	"DEADLINE_EXCEEDED",
	"NOT_FOUND",
	"ALREADY_EXISTS",
	"PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED",
	"FAILED_PRECONDITION",
	"ABORTED",
	"OUT_OF_RANGE",
	"UNIMPLEMENTED",
	"INTERNAL",
	"UNAVAILABLE",
	"DATA_LOSS",
	"UNAUTHENTICATED",
};

static const struct {
	uint32_t status;
	const char *reason;
} reasons[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 103, "Early Hints" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 203, "Non-Authoritative Information" },
	{ 204, "No Content" },
	{ 205, "Reset Content" },
	{ 206, "Partial Content" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 425, "Too Early" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 451, "Unavailable For Legal Reasons" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
	{ 511, "Network Authentication Required" },
};

/* Which types have the flag, as bits 1 << type (RFC 9113 §6). */
static const struct {
	uint8_t bit;
	uint32_t types;
	const char *name;
} flags[] = {
	{ 0x01, 1u << 0 | 1u << 1, "END_STREAM" },
	{ 0x01, 1u << 4 | 1u << 6, "ACK" },
	{ 0x04, 1u << 1 | 1u << 5 | 1u << 9, "END_HEADERS" },
	{ 0x08, 1u << 0 | 1u << 1 | 1u << 5, "PADDED" },
	{ 0x20, 1u << 1, "PRIORITY" },
};

const char *names_frame_type(uint32_t type)
{
	return NAME_AT(frame_types, type);
}

const char *names_flag(uint32_t type, uint8_t bit)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (flags[i].bit == bit && type < 32 && flags[i].types >> type & 1)
			return flags[i].name;
	}
	return NULL;
}

const char *names_error(uint32_t code)
{
	return NAME_AT(errors, code);
}

const char *names_setting(uint32_t id)
{
	return NAME_AT(settings, id);
}

const char *names_grpc_status(uint32_t code)
{
	return NAME_AT(grpc_statuses, code);
}

const char *names_http_status(uint32_t status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return NULL;
}

const char *names_or_hex(const char *name, uint32_t number, char room[NAMES_LEN])
{
	if (name)
		return name;
	snprintf(room, NAMES_LEN, "0x%x", number);
	return room;
}

const char *names_or_number(const char *name, uint32_t number, char room[NAMES_LEN])
{
	if (name)
		return name;
	snprintf(room, NAMES_LEN, "%u", number);
	return room;
}
