/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log.c - logs: how they are set, their files, syslog, and packets as they pass. */
#include "apps/ctl/ctl.h"

#include <gio/gio.h>

#include <string.h>
#include <unistd.h>

enum { KINDS = 8, POLL_MS = 200, CAPTURE_POLL_MS = 50 };

#define CYCLES N_("never|hour|day|month")

const struct ctl_option ctl_log_set_options[] = {
    {"--security", N_("on|off"), N_("write the security log"), false},
    {"--security-switch", CYCLES, N_("when it gets a new file"), false},
    {"--security-keep-days", N_("N"), N_("how long old files are kept, 0: for ever"), false},
    {"--security-keep-megabytes", N_("N"), N_("how much of them, 0: no limit"), false},
    {"--packet", N_("on|off"), N_("write the packet log"), false},
    {"--packet-switch", CYCLES, N_("when it gets a new file"), false},
    {"--packet-keep-days", N_("N"), N_("how long old files are kept, 0: for ever"), false},
    {"--packet-keep-megabytes", N_("N"), N_("how much of them, 0: no limit"), false},
    {"--packet-level", N_("KIND=LEVEL"),
     N_("tcp-connect, tcp, dhcp, udp, icmp, ip, arp, ethernet or every; none, headers or all"),
     true},
    {"--max-megabytes", N_("N"), N_("a new file at this size, too, 0: no limit"), false},
    {NULL, NULL, NULL, false},
};

const struct ctl_option ctl_log_server_options[] = {
    {"--file", N_("on|off"), N_("write the server's log to a file"), false},
    {"--switch", CYCLES, N_("when it gets a new file"), false},
    {"--keep-days", N_("N"), N_("how long old files are kept, 0: for ever"), false},
    {"--keep-megabytes", N_("N"), N_("how much of them, 0: no limit"), false},
    {"--max-megabytes", N_("N"), N_("a new file at this size, too, 0: no limit"), false},
    {"--format", N_("text|json"), N_("of the lines of all logs"), false},
    {"--compress", N_("on|off"), N_("compress the old files of all logs"), false},
    {NULL, NULL, NULL, false},
};

const struct ctl_option ctl_syslog_options[] = {
    {"--send", N_("none|server|security|packet"),
     N_("the server's log; and the security logs; and the packet logs"), false},
    {"--host", N_("NAME"), N_("name or address of the syslog server"), false},
    {"--port", N_("PORT"), N_("its port, 0: the usual one"), false},
    {"--transport", N_("udp|tcp|tls"), N_("how it is reached"), false},
    {"--ca", N_("FILE|none"),
     N_("who may sign its certificate, PEM; none: the system's authorities"), false},
    {NULL, NULL, NULL, false},
};

const struct ctl_option ctl_log_read_options[] = {
    {"--follow", NULL, N_("go on with what is added"), false},
    {NULL, NULL, NULL, false},
};

const struct ctl_option ctl_capture_options[] = {
    {"--session", N_("NAME"), N_("only what this session sends or gets"), false},
    {"--seconds", N_("N"), N_("end after that time"), false},
    {NULL, NULL, NULL, false},
};

/* ---- values ---- */

static const char *const cycles[] = {"never", "second", "minute", "hour", "day", "month", NULL};
static const char *const sends[] = {"none", "server", "security", "packet", NULL};
static const char *const levels[] = {"none", "headers", "all", NULL};
static const char *const kinds[] = {"tcp-connect", "tcp", "dhcp",     "udp", "icmp",
                                    "ip",          "arp", "ethernet", NULL};

/* The place of a word in a list; -1 after a message. */
static int
place_of(const char *word, const char *const *list, const char *what)
{
    g_autofree char *all = NULL;

    for (int i = 0; list[i]; i++) {
        if (strcmp(word, list[i]) == 0)
            return i;
    }
    all = g_strjoinv(", ", (char **)(void *)list);
    ctl_complain(_("%s: '%s' is none of %s"), what, word, all);
    return -1;
}

struct word_option {
    const char *option, *field;
    const char *const *list;
};

/* Options whose value is a word that stands for a number, or for yes and no. */
static bool
take_words(const struct word_option *map, const struct ctl_args *args, struct record *in)
{
    for (; map->option; map++) {
        const char *value = ctl_value(args, map->option);
        int place = value ? place_of(value, map->list, map->option) : 0;
        if (place < 0)
            return false;
        if (value && rpc_type_of(map->field) == RPC_BOOL)
            record_set_bool(in, map->field, place == 1);
        else if (value)
            record_set_u32(in, map->field, (uint32_t)place);
    }
    return true;
}

static const char *const off_on[] = {"off", "on", NULL};

/* ---- settings ---- */

/* One KIND=LEVEL into the levels. */
static bool
take_level(const char *text, uint32_t level[KINDS])
{
    g_auto(GStrv) part = g_strsplit(text, "=", 2);

    if (g_strv_length(part) != 2) {
        ctl_complain(_("--packet-level needs a kind and a level, like udp=headers"));
        return false;
    }
    int value = place_of(part[1], levels, "--packet-level");
    bool every = strcmp(part[0], "every") == 0;
    int kind = every ? 0 : place_of(part[0], kinds, "--packet-level");
    if (value < 0 || kind < 0)
        return false;
    for (int i = 0; i < KINDS; i++) {
        if (every || i == kind)
            level[i] = (uint32_t)value;
    }
    return true;
}

static bool
take_levels(const struct ctl_args *args, const struct record *now, struct record *in)
{
    uint32_t level[KINDS];

    if (!ctl_has(args, "--packet-level"))
        return true;
    for (unsigned i = 0; i < KINDS; i++)
        level[i] = record_u32_at(now, "PacketLogConfig_u32", i);
    for (unsigned i = 0; ctl_value_at(args, "--packet-level", i); i++) {
        if (!take_level(ctl_value_at(args, "--packet-level", i), level))
            return false;
    }
    for (unsigned i = 0; i < KINDS; i++)
        record_append_u32(in, "PacketLogConfig_u32", level[i]);
    return true;
}

/* The levels by their names, which the numbers alone do not tell. */
static void
add_levels(GPtrArray *lines, const struct record *r)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < KINDS; i++) {
        uint32_t level = record_u32_at(r, "PacketLogConfig_u32", i);
        g_string_append_printf(text, "%s%s=%s", i > 0 ? " " : "", kinds[i],
                               levels[MIN(level, ARRAY_LEN(levels) - 2)]);
    }
    g_ptr_array_add(lines, g_strdup(_("Levels")));
    g_ptr_array_add(lines, g_string_free(text, FALSE));
}

enum ctl_exit
ctl_run_log_show(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = ctl_input(cmd, args);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    enum ctl_exit result = CTL_USAGE;
    json_t *raw = NULL;
    g_autoptr(record_t) out = in ? ctl_call(c, cmd->method, in, &raw, &result) : NULL;

    if (out && c->json) {
        ctl_print_json(raw);
    } else if (out) {
        g_autoptr(record_t) levels_of = record_new();
        record_copy(levels_of, out, "PacketLogConfig_u32");
        record_remove(out, "PacketLogConfig_u32");
        ctl_lines_add(lines, out, rpc_method_find(cmd->method)->out);
        add_levels(lines, levels_of);
        ctl_lines_print(lines);
    }
    json_decref(raw);
    return result;
}

/* What is left out stays as it is. */
enum ctl_exit
ctl_run_log_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    static const struct ctl_field_option numbers[] = {
        {"--security-keep-days", "SecurityLogKeepDays_u32", NULL},
        {"--security-keep-megabytes", "SecurityLogKeepMegabytes_u32", NULL},
        {"--packet-keep-days", "PacketLogKeepDays_u32", NULL},
        {"--packet-keep-megabytes", "PacketLogKeepMegabytes_u32", NULL},
        {"--max-megabytes", "LogMaxMegabytes_u32", NULL},
        {NULL, NULL, NULL},
    };
    static const struct word_option words[] = {
        {"--security", "SaveSecurityLog_bool", off_on},
        {"--security-switch", "SecurityLogSwitchType_u32", cycles},
        {"--packet", "SavePacketLog_bool", off_on},
        {"--packet-switch", "PacketLogSwitchType_u32", cycles},
        {NULL, NULL, NULL},
    };
    g_autoptr(record_t) name = record_new();
    enum ctl_exit result;

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    record_set_text(name, "HubName_str", ctl_arg(args, 0));
    g_autoptr(record_t) now = ctl_call(c, "GetHubLog", name, NULL, &result);
    if (!now)
        return result;
    g_autoptr(record_t) in = record_new();
    for (unsigned i = 0; record_name(now, i); i++) {
        if (!ctl_has(args, "--packet-level") ||
            strcmp(record_name(now, i), "PacketLogConfig_u32") != 0)
            record_copy(in, now, record_name(now, i));
    }
    return take_words(words, args, in) && ctl_take_options(numbers, args, in) &&
                   take_levels(args, now, in)
               ? ctl_change(c, "SetHubLog", in)
               : CTL_USAGE;
}

enum ctl_exit
ctl_run_log_server(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    static const struct ctl_field_option plain[] = {
        {"--keep-days", "ServerLogKeepDays_u32", NULL},
        {"--keep-megabytes", "ServerLogKeepMegabytes_u32", NULL},
        {"--max-megabytes", "ServerLogMaxMegabytes_u32", NULL},
        {"--format", "LogFormat_str", NULL},
        {NULL, NULL, NULL},
    };
    static const struct word_option words[] = {
        {"--file", "SaveServerLog_bool", off_on},
        {"--switch", "ServerLogSwitchType_u32", cycles},
        {"--compress", "LogCompress_bool", off_on},
        {NULL, NULL, NULL},
    };
    g_autoptr(record_t) in = record_new();

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    return take_words(words, args, in) && ctl_take_options(plain, args, in)
               ? ctl_change(c, "SetServerLog", in)
               : CTL_USAGE;
}

static bool
take_ca(const struct ctl_args *args, struct record *in)
{
    const char *file = ctl_value(args, "--ca");
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    if (!file)
        return true;
    if (strcmp(file, "none") != 0 && !g_file_get_contents(file, &text, NULL, &error)) {
        ctl_complain("%s", error->message);
        return false;
    }
    record_set_text(in, "CaCert_str", text ? text : "");
    return true;
}

enum ctl_exit
ctl_run_syslog_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    static const struct ctl_field_option plain[] = {
        {"--host", "Hostname_str", NULL},
        {"--port", "Port_u32", NULL},
        {"--transport", "Transport_str", NULL},
        {NULL, NULL, NULL},
    };
    static const struct word_option words[] = {
        {"--send", "SaveType_u32", sends},
        {NULL, NULL, NULL},
    };
    g_autoptr(record_t) none = record_new();
    enum ctl_exit result;

    if (args->names->len == 0)
        return ctl_usage(cmd, _("there is nothing to change"));
    g_autoptr(record_t) in = ctl_call(c, "GetSysLog", none, NULL, &result);
    if (!in)
        return result;
    return take_words(words, args, in) && ctl_take_options(plain, args, in) && take_ca(args, in)
               ? ctl_change(c, "SetSysLog", in)
               : CTL_USAGE;
}

/* ---- files ---- */

struct reading {
    struct ctl *c;
    const char *path;
    uint32_t offset;
    GConverter *unpack; /* of a compressed file */
    enum ctl_exit result;
};

/* A log is text of peers, made harmless when it was written. False when nobody takes it. */
static bool
write_out(struct reading *r, const uint8_t *bytes, size_t len)
{
    uint8_t out[65536];
    gsize used = 0, made = 0;

    if (!r->unpack)
        return fwrite(bytes, 1, len, stdout) == len;
    while (len > 0) {
        GConverterResult how = g_converter_convert(r->unpack, bytes, len, out, sizeof(out),
                                                   G_CONVERTER_NO_FLAGS, &used, &made, NULL);
        if (how == G_CONVERTER_ERROR && used == 0)
            return true; /* a piece that ends in the middle of what is packed */
        if (fwrite(out, 1, made, stdout) != made)
            return false;
        bytes += used;
        len -= used;
        if (how == G_CONVERTER_FINISHED)
            return true;
    }
    return true;
}

/* How many bytes came; -1 when it is over. */
static long
read_piece(struct reading *r)
{
    g_autoptr(record_t) in = record_new();
    size_t len = 0;

    record_set_text(in, "FilePath_str", r->path);
    record_set_u32(in, "Offset_u32", r->offset);
    g_autoptr(record_t) out = ctl_call(r->c, "ReadLogFile", in, NULL, &r->result);
    if (!out)
        return -1;
    const uint8_t *bytes = record_bin(out, "Buffer_bin", &len);
    r->offset += (uint32_t)len;
    return write_out(r, bytes, len) ? (long)len : -1;
}

/* The current file was switched: the name is a new file's. */
static void
notice_switch(struct reading *r)
{
    g_autoptr(record_t) none = record_new();
    enum ctl_exit result;
    g_autoptr(record_t) out = ctl_call(r->c, "EnumLogFile", none, NULL, &result);
    const struct record *row;

    for (unsigned i = 0; out && (row = record_at(out, "LogFiles", i)) != NULL; i++) {
        if (strcmp(record_text(row, "FilePath_str"), r->path) == 0 &&
            record_u32(row, "FileSize_u32") < r->offset)
            r->offset = 0;
    }
}

enum ctl_exit
ctl_run_log_read(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    struct reading r = {.c = c, .path = ctl_arg(args, 0)};
    bool follow = ctl_has(args, "--follow");
    long n = 0;

    (void)cmd;
    if (g_str_has_suffix(r.path, ".gz"))
        r.unpack = G_CONVERTER(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP));
    while ((n = read_piece(&r)) > 0 || (n == 0 && follow)) {
        if (fflush(stdout) != 0)
            break;
        if (n > 0)
            continue;
        g_usleep(POLL_MS * 1000);
        notice_switch(&r);
    }
    g_clear_object(&r.unpack);
    return r.result;
}

/* ---- captures ---- */

static bool
is_over(int64_t until_us)
{
    return until_us != 0 && g_get_monotonic_time() >= until_us;
}

/* Fetches until the time is over or nobody takes what comes. */
static enum ctl_exit
fetch(struct ctl *c, struct record *in, int64_t until_us, uint64_t *lost)
{
    enum ctl_exit result = CTL_OK;
    bool stop = false;

    while (!stop) {
        size_t len = 0;
        stop = is_over(until_us);
        record_set_bool(in, "Stop_bool", stop);
        g_autoptr(record_t) out = ctl_call(c, "ReadCapture", in, NULL, &result);
        if (!out)
            return result;
        const void *bytes = record_bin(out, "Buffer_bin", &len);
        *lost = record_u64(out, "Dropped_u64");
        record_set_u32(in, "CaptureId_u32", record_u32(out, "CaptureId_u32"));
        if (fwrite(bytes, 1, len, stdout) != len || fflush(stdout) != 0)
            until_us = 1; /* once more, to end it */
        else if (len == 0 && !stop)
            g_usleep(CAPTURE_POLL_MS * 1000);
    }
    return result;
}

enum ctl_exit
ctl_run_capture(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    g_autoptr(record_t) in = record_new();
    uint32_t seconds = 0;
    uint64_t lost = 0;

    if (isatty(STDOUT_FILENO))
        return ctl_usage(cmd, _("packets go to a file or a pipe: polyetherctl capture HUB > FILE, "
                                "or | wireshark -k -i -"));
    if (ctl_has(args, "--seconds") &&
        !ctl_parse_number(ctl_value(args, "--seconds"), "--seconds", &seconds))
        return CTL_USAGE;
    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    if (ctl_has(args, "--session"))
        record_set_text(in, "SessionName_str", ctl_value(args, "--session"));
    int64_t until_us = seconds > 0 ? g_get_monotonic_time() + (int64_t)seconds * G_USEC_PER_SEC : 0;
    enum ctl_exit result = fetch(c, in, until_us, &lost);
    if (lost > 0)
        ctl_complain(_("%lu packets are not in it: they came faster than they were fetched"),
                     (unsigned long)lost);
    return result;
}
