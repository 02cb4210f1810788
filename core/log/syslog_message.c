/* SPDX-License-Identifier: Apache-2.0 */
/* syslog_message.c - see syslog_message.h. */

#include "core/log/syslog_message.h"

#include <glib.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FACILITY_DAEMON = 3, FACILITY_AUTHPRIV = 10 };

/* PRINTUSASCII, RFC 5424, 6. */
static void
copy_word(char *out, size_t cap, const char *from)
{
    size_t n = 0;

    for (; *from && n < cap - 1; from++) {
        if (*from > ' ' && *from < 0x7f)
            out[n++] = *from;
    }
    if (n == 0)
        out[n++] = '-';
    out[n] = '\0';
}

void
syslog_origin_init(struct syslog_origin *o, const char *app)
{
    char host[256] = "";

    (void)gethostname(host, sizeof(host) - 1);
    copy_word(o->host, sizeof(o->host), host);
    copy_word(o->app, sizeof(o->app), app);
    o->pid = (long)getpid();
}

static unsigned
severity(enum log_level level)
{
    static const uint8_t of[] = {
        [LOG_ERROR] = 3, [LOG_WARNING] = 4, [LOG_INFO] = 6, [LOG_DEBUG] = 7};

    return (unsigned)level < ARRAY_LEN(of) ? of[level] : 6;
}

/* The last part of a log's name is the kind of message; the hub in between is said in its text,
 * where a packet's line does not name it. */
static const char *
kind_of(const char *log)
{
    const char *slash = strrchr(log, '/');

    return slash ? slash + 1 : log;
}

static void
put_hub(struct line *out, const char *log)
{
    const char *kind = kind_of(log);

    if (!g_str_has_prefix(log, "hub/") || strcmp(kind, "packet") != 0)
        return;
    line_str(out, "hub=");
    line_value(out, log + 4, (size_t)(kind - 1 - (log + 4)));
    line_char(out, ' ');
}

void
syslog_message_print(struct line *out, const struct syslog_origin *o,
                     const struct syslog_text *what, bool framed)
{
    struct line message;
    const char *kind = kind_of(what->log);
    unsigned facility = strcmp(kind, "security") == 0 ? FACILITY_AUTHPRIV : FACILITY_DAEMON;
    size_t most = framed ? SYSLOG_STREAM_MAX : SYSLOG_DATAGRAM_MAX;
    char length[16];

    line_clear(&message);
    line_char(&message, '<');
    line_u64(&message, facility * 8 + severity(what->level));
    line_str(&message, ">1 ");
    line_stamp(&message, what->wall_ms);
    line_char(&message, ' ');
    line_str(&message, o->host);
    line_char(&message, ' ');
    line_str(&message, o->app);
    line_char(&message, ' ');
    line_u64(&message, (uint64_t)o->pid);
    line_char(&message, ' ');
    line_str(&message, kind);
    line_str(&message, " - "); /* no structured data */
    put_hub(&message, what->log);
    line_bytes(&message, what->text, MIN(what->len, sizeof(message.at) - message.len));
    if (message.len > most) {
        message.len = most;
        while (message.len > 0 && ((unsigned char)message.at[message.len - 1] & 0xc0) == 0x80)
            message.len--; /* not in the middle of a character */
        if (message.len > 0 && (unsigned char)message.at[message.len - 1] >= 0xc0)
            message.len--;
    }
    line_clear(out);
    if (framed)
        line_bytes(out, length, (size_t)g_snprintf(length, sizeof(length), "%zu ", message.len));
    line_bytes(out, message.at, message.len);
}
