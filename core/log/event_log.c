/* SPDX-License-Identifier: Apache-2.0 */
/* event_log.c - see event_log.h.
 *
 * A record is a row of pairs, each two texts that end with a zero: a key, whose first character
 * says what the value is, and the value. The first pair is the event itself.
 */

#include "core/log/event_log.h"

#include "core/base/reader.h"

#include <string.h>

enum { RECORD_MAX = 4096, TEXT_MAX = 512 };

/* The first character of a key. */
enum { KIND_TEXT = 't', KIND_NUMBER = 'n', KIND_FIELDS = 'f' /* key=value ..., printed already */ };

/* ---- records ---- */

struct record {
    size_t len;
    char at[RECORD_MAX];
};

static void
put(struct record *r, const char *text, size_t len)
{
    if (r->len + len + 1 > sizeof(r->at))
        len = sizeof(r->at) - r->len - 1;
    for (size_t i = 0; i < len; i++) /* a zero would end it */
        r->at[r->len++] = text[i] ? text[i] : '?';
    r->at[r->len++] = '\0';
}

/* Left out when there is no room: a record is always of whole pairs. */
static void
add(struct record *r, const char *key, const char *value, size_t len)
{
    size_t n = MIN(len, TEXT_MAX * 4);

    if (r->len + strlen(key) + n + 2 > sizeof(r->at))
        return;
    put(r, key, strlen(key));
    put(r, value, n);
}

static void
add_text(struct record *r, const char *key, const char *value)
{
    if (value && value[0])
        add(r, key, value, MIN(strlen(value), TEXT_MAX));
}

static void
add_number(struct record *r, const char *key, uint64_t value)
{
    char text[24];

    g_snprintf(text, sizeof(text), "%" G_GUINT64_FORMAT, value);
    if (value != 0)
        add_text(r, key, text);
}

static void
push(struct log *log, const struct record *r, enum log_level level, int64_t wall_ms)
{
    void *room = log_room(log, r->len, level, wall_ms);

    if (!room)
        return;
    memcpy(room, r->at, r->len);
    log_push(log);
}

void
event_log_line(struct log *log, enum log_level level, const char *text, size_t event_len,
               size_t len, int64_t wall_ms)
{
    struct record r = {.len = 0};

    add(&r, "tevent", text, event_len);
    if (len > event_len + 1)
        add(&r, "ffields", text + event_len + 1, len - event_len - 1);
    push(log, &r, level, wall_ms);
}

void
event_log_event(struct log *log, const struct hub_event *e, int64_t wall_ms)
{
    struct record r = {.len = 0};
    const char *name = hub_event_name(e->kind);
    char address[IP_TEXT];

    add(&r, "tevent", name, strlen(name));
    if (e->peer.ip.family != 0) {
        add_text(&r, "taddress", ip_print(&e->peer.ip, address));
        add_number(&r, "nport", e->peer.port);
    }
    add_text(&r, "thub", e->hub);
    add_text(&r, "tuser", e->user);
    add_text(&r, "tsession", e->session);
    add_text(&r, "tprotocol", e->protocol);
    if (e->code > 0)
        add_number(&r, "ncode", (uint64_t)e->code);
    add_text(&r, "treason", e->reason);
    add_text(&r, "fdetail", e->detail);
    push(log, &r, MIN(e->level, LOG_INFO), wall_ms);
}

/* ---- lines ---- */

struct pair {
    char kind;
    const char *key, *value;
    size_t key_len, value_len;
};

static bool
next_text(struct reader *in, const char **text, size_t *len)
{
    const uint8_t *end = in->left > 0 ? memchr(in->at, 0, in->left) : NULL;

    if (!end)
        return false;
    *len = (size_t)(end - in->at);
    *text = (const char *)reader_take(in, *len + 1);
    return true;
}

static bool
next_pair(struct reader *in, struct pair *out)
{
    if (!next_text(in, &out->key, &out->key_len) || out->key_len == 0 ||
        !next_text(in, &out->value, &out->value_len))
        return false;
    out->kind = *out->key++;
    out->key_len--;
    return true;
}

/* Fields that were printed elsewhere are one line, whatever they hold. */
static void
put_fields(struct line *out, const char *text, size_t len)
{
    char *at = line_room(out, len);

    for (size_t i = 0; at && i < len; i++)
        at[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
}

static void
print_text(struct reader in, struct line *out)
{
    struct pair p;

    if (!next_pair(&in, &p))
        return;
    put_fields(out, p.value, p.value_len);
    while (next_pair(&in, &p)) {
        line_char(out, ' ');
        if (p.kind == KIND_FIELDS) {
            put_fields(out, p.value, p.value_len);
            continue;
        }
        line_bytes(out, p.key, p.key_len);
        line_char(out, '=');
        line_value(out, p.value, p.value_len);
    }
}

static void
print_json(struct reader in, struct line *out)
{
    struct pair p;

    while (next_pair(&in, &p)) {
        line_str(out, ",\"");
        line_bytes(out, p.key, p.key_len);
        line_str(out, "\":");
        if (p.kind == KIND_NUMBER)
            line_bytes(out, p.value, p.value_len);
        else
            line_json(out, p.value, p.value_len);
    }
}

static const char *
level_name(enum log_level level)
{
    static const char *const names[] = {[LOG_ERROR] = "error",
                                        [LOG_WARNING] = "warning",
                                        [LOG_INFO] = "info",
                                        [LOG_DEBUG] = "debug"};

    return (unsigned)level < ARRAY_LEN(names) ? names[level] : "info";
}

static void
print(const void *record, size_t len, enum log_level level, int64_t wall_ms, enum log_style style,
      struct line *out)
{
    struct reader in = reader_of(record, len);

    if (style == LOG_STYLE_JSON) {
        line_str(out, "{\"time\":\"");
        line_stamp(out, wall_ms);
        line_str(out, "\",\"level\":\"");
        line_str(out, level_name(level));
        line_char(out, '"');
        print_json(in, out);
        line_char(out, '}');
        return;
    }
    if (style == LOG_STYLE_TEXT) {
        line_stamp(out, wall_ms);
        line_char(out, ' ');
        line_str(out, level_name(level));
        line_char(out, ' ');
    }
    print_text(in, out);
}

const struct log_format event_log_format = {.print = print};
