/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-packet-log.c - frames to the packet log: from a worker's copy to the lines.
 *
 * Input: a byte (level, style, where it went), then a frame. Laws: a line is one line of printable
 * text and whole; JSON has no quote that is not its own; a record has what its line needs.
 */

#include "core/log/packet_log.h"
#include "core/log/packet_note.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include <string.h>

static void
check_printable(const struct line *l)
{
    g_assert(!l->failed && l->len <= LINE_MAX_BYTES);
    g_assert(g_utf8_validate(l->at, (gssize)l->len, NULL));
    for (size_t i = 0; i < l->len; i++)
        g_assert((unsigned char)l->at[i] >= ' ' && l->at[i] != 0x7f);
}

/* Strings end where they should: quotes outside of an escape come in pairs. */
static void
check_json(const struct line *l)
{
    unsigned quotes = 0;

    g_assert(l->len >= 2 && l->at[0] == '{' && l->at[l->len - 1] == '}');
    for (size_t i = 0; i < l->len; i++) {
        if (l->at[i] == '\\') {
            g_assert(quotes % 2 == 1 && i + 1 < l->len);
            g_assert(l->at[i + 1] == '\\' || l->at[i + 1] == 'u');
            i++;
        } else if (l->at[i] == '"') {
            quotes++;
        }
    }
    g_assert(quotes % 2 == 0);
}

/* Each parser alone, on bytes that no header has announced. */
static void
check_parsers(const uint8_t *data, size_t size)
{
    bool (*const all[])(struct reader, struct line *) = {
        note_http, note_dns, note_dhcp4, note_dhcp6, note_ike, note_openvpn, note_arp};
    struct line l;

    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        line_clear(&l);
        g_assert(all[i](reader_of(data, size), &l) == (l.len > 0));
        check_printable(&l);
        g_assert(!memchr(l.at, '"', l.len));
    }
    for (unsigned version = 4; version <= 6; version += 2) {
        line_clear(&l);
        (void)note_icmp(reader_of(data, size), version, &l);
        check_printable(&l);
    }
}

struct seen {
    enum log_style style;
    unsigned n;
};

static struct seen seen;

static void
print(const void *record, size_t len, enum log_level level, int64_t wall_ms, enum log_style style,
      struct line *out)
{
    (void)style;
    packet_log_format.print(record, len, level, wall_ms, seen.style, out);
    check_printable(out);
    if (seen.style == LOG_STYLE_JSON)
        check_json(out);
    seen.n++;
}

static const struct log_format format = {.print = print};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct logger *logger; /* one thread for all inputs */
    static struct log *log;
    struct packet_levels levels;
    struct flow flow;

    if (size < 15 || size > 4096)
        return 0;
    if (!logger) {
        logger = logger_new("/dev/null/none", 0, NULL); /* nothing is written: lines are made */
        log = logger_open(logger, "packet", &(struct log_rules){.every = 0}, &format);
        log_setup(LOG_ERROR, false);
    }
    check_parsers(data + 1, size - 1);
    memset(levels.of, data[0] & 1 ? PACKET_ALL : PACKET_HEADERS, sizeof(levels.of));
    seen.style = data[0] & 2 ? LOG_STYLE_JSON : data[0] & 4 ? LOG_STYLE_BARE : LOG_STYLE_TEXT;
    seen.n = 0;
    g_autofree uint8_t *bytes = g_memdup2(data + 1, size - 1); /* its end is the end of memory */
    struct reader in = reader_of(bytes, size - 1);
    const struct packet p = {.bytes = bytes,
                             .len = (uint32_t)(size - 1),
                             .flow = flow_parse(in, &flow) == DROP_NONE ? &flow : NULL,
                             .from = "SID-ANNA-1",
                             .to = data[0] & 8 ? NULL : "SID-BOB-2"};
    packet_log_write(log, &levels, &p, 0);
    logger_flush(logger);
    g_assert(seen.n == 1);
    return 0;
}
