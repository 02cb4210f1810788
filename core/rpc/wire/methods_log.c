/* SPDX-License-Identifier: Apache-2.0 */
/* methods_log.c - the table of methods: logs, syslog, captures. */
#include "core/rpc/wire/table.h"

#define CYCLES "0 never, 1 second, 2 minute, 3 hour, 4 day, 5 month"

/* Also what the store keeps as text. What SetHubLog leaves out stays as it is. */
const struct rpc_field rpc_hub_log_options[] = {
    F("SaveSecurityLog_bool", "security log is written"),
    F("SecurityLogSwitchType_u32", "cycle of its files: " CYCLES),
    F("SavePacketLog_bool", "packet log is written"),
    F("PacketLogSwitchType_u32", "cycle of the packet log's files: " CYCLES),
    {"PacketLogConfig_u32",
     "levels, 0 none, 1 headers, 2 all; of TCP connections, TCP, DHCP, UDP, ICMP, IP, ARP, "
     "Ethernet; eight more are ignored",
     RPC_ARRAY, NULL},
    F_OURS("SecurityLogKeepDays_u32", "days that old security logs are kept; 0: for ever"),
    F_OURS("SecurityLogKeepMegabytes_u32", "megabytes of old security logs; 0: no limit"),
    F_OURS("PacketLogKeepDays_u32", "days that old packet logs are kept; 0: for ever"),
    F_OURS("PacketLogKeepMegabytes_u32", "megabytes of old packet logs; 0: no limit"),
    F_OURS("LogMaxMegabytes_u32", "megabytes at which a file is full; 0: no limit"),
    F_END,
};

static const struct rpc_field hub_in[] = {
    F("HubName_str", "name of the hub"),
    F_END,
};

static const struct rpc_field hub_log_fields[] = {
    F("HubName_str", "name of the hub"),
    F_GROUP(rpc_hub_log_options),
    F_END,
};

const struct rpc_field rpc_server_log_options[] = {
    F_OURS("SaveServerLog_bool", "server's log is written to a file"),
    F_OURS("ServerLogSwitchType_u32", "cycle of its files: " CYCLES),
    F_OURS("ServerLogKeepDays_u32", "days that old files are kept; 0: for ever"),
    F_OURS("ServerLogKeepMegabytes_u32", "megabytes of old files; 0: no limit"),
    F_OURS("ServerLogMaxMegabytes_u32", "megabytes at which a file is full; 0: no limit"),
    F_OURS("LogFormat_str", "format of all logs: text or json"),
    F_OURS("LogCompress_bool", "old files of all logs are compressed"),
    F_END,
};

const struct rpc_field rpc_syslog_options[] = {
    F("SaveType_u32",
      "what is sent: 0 nothing, 1 the server's log, 2 and security logs, 3 and packet logs"),
    F("Hostname_str", "name or address of the syslog server"),
    F("Port_u32", "port of the syslog server; 0: 514, or 6514 with TLS"),
    F_OURS("Transport_str", "transport: udp, tcp or tls"),
    F_OURS("CaCert_str", "who may sign the server's certificate, PEM; empty: the system's "
                         "authorities"),
    F_END,
};

static const struct rpc_field file_rows[] = {
    F("ServerName_str", "host name of the server"),
    F("FilePath_str", "name for ReadLogFile"),
    F("FileSize_u32", "bytes, up to 4 GiB"),
    F("UpdatedTime_dt", "changed at"),
    F_END,
};

static const struct rpc_field files_out[] = {
    F_LIST("LogFiles", "log files", file_rows),
    F_END,
};

static const struct rpc_field read_in[] = {
    F("FilePath_str", "as EnumLogFile says"),
    F_OPT("Offset_u32", "first byte wanted; left out: 0"),
    F_END,
};

static const struct rpc_field read_out[] = {
    F("ServerName_str", "host name of the server"),
    F("FilePath_str", "the same"),
    F("Offset_u32", "first byte that is here"),
    F("Buffer_bin", "the bytes; none: there is nothing more"),
    F_END,
};

static const struct rpc_field state_rows[] = {
    F("Name_str", "the log"),
    F("Lines_u64", "lines written"),
    F("Bytes_u64", "bytes written"),
    F("Dropped_u64", "lines lost because there were too many at once"),
    F("Unwritten_u64", "lines lost because the file could not be written"),
    F("Alarm_bool", "cannot be written now"),
    F("Problem_utf", "why, now or the last time"),
    F_END,
};

static const struct rpc_field status_out[] = {
    F("Alarm_bool", "alarm: a log cannot be written, or the syslog server not reached"),
    F("SyslogOn_bool", "syslog is on"),
    F("SyslogConnected_bool", "syslog server is reached"),
    F("SyslogSent_u64", "syslog messages sent"),
    F("SyslogDropped_u64", "syslog messages lost: the queue was full"),
    F("SyslogQueued_u32", "syslog messages that wait"),
    F("SyslogProblem_utf", "what is in the way of syslog"),
    F_LIST("LogList", "logs", state_rows),
    F_END,
};

static const struct rpc_field capture_in[] = {
    F("HubName_str", "name of the hub"),
    F_OPT("SessionName_str", "only what this session sends or gets; left out: all"),
    F_OPT("CaptureId_u32", "as the first answer said; left out: begin a new one"),
    F_OPT("Stop_bool", "end it"),
    F_END,
};

static const struct rpc_field capture_out[] = {
    F("CaptureId_u32", "for the next call, within ten seconds"),
    F("Buffer_bin", "the next bytes of a file in the format pcapng; none: nothing passed"),
    F("Dropped_u64", "packets lost because they were not fetched in time"),
    F_END,
};

static const struct rpc_method methods[] = {
    {"GetHubLog", RPC_HUB_ADMIN, "what a hub logs, and how its files are kept", hub_in,
     hub_log_fields, NULL, false},
    {"SetHubLog", RPC_HUB_ADMIN, "changes what a hub logs, and how its files are kept",
     hub_log_fields, hub_log_fields, NULL, true},
    {"GetServerLog", RPC_SERVER_ADMIN, "how the server's log is kept, and the format of all logs",
     rpc_no_fields, rpc_server_log_options, NULL, false},
    {"SetServerLog", RPC_SERVER_ADMIN, "changes it; what is left out stays", rpc_server_log_options,
     rpc_server_log_options, NULL, true},
    {"GetSysLog", RPC_ANY_ADMIN, "which syslog server gets what", rpc_no_fields, rpc_syslog_options,
     NULL, false},
    {"SetSysLog", RPC_SERVER_ADMIN, "sends logs to a syslog server", rpc_syslog_options,
     rpc_syslog_options, NULL, true},
    {"EnumLogFile", RPC_ANY_ADMIN,
     "log files that can be read; a hub's administrator sees the "
     "hub's",
     rpc_no_fields, files_out, NULL, false},
    {"ReadLogFile", RPC_ANY_ADMIN, "a piece of a log file", read_in, read_out, NULL, false},
    {"GetLogStatus", RPC_SERVER_ADMIN, "how the logs and syslog do", rpc_no_fields, status_out,
     NULL, false},
    {"ReadCapture", RPC_HUB_ADMIN, "packets that pass a hub, a piece at a time", capture_in,
     capture_out, NULL, false},
};

const struct rpc_area rpc_area_log = {"Logs", methods, ARRAY_LEN(methods)};
