/* SPDX-License-Identifier: Apache-2.0 */
/* line.c - see line.h. */

#include "core/log/line.h"

#include "core/base/addr.h"

#include <glib.h>

#include <string.h>

enum { MS_PER_S = 1000, S_PER_DAY = 86400 };

static const char hex_digits[] = "0123456789abcdef";

void
line_bytes(struct line *l, const void *bytes, size_t n)
{
    char *p = line_room(l, n);

    if (p && n > 0)
        memcpy(p, bytes, n);
}

void
line_str(struct line *l, const char *text)
{
    line_bytes(l, text, strlen(text));
}

void
line_u64(struct line *l, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    line_bytes(l, digits + at, sizeof(digits) - at);
}

void
line_hex(struct line *l, const void *bytes, size_t n)
{
    const uint8_t *from = bytes;
    char *p = line_room(l, n * 2);

    for (size_t i = 0; p && i < n; i++) {
        *p++ = hex_digits[from[i] >> 4];
        *p++ = hex_digits[from[i] & 15];
    }
}

void
line_hex_u32(struct line *l, uint32_t v, unsigned digits)
{
    char *p = line_room(l, digits);

    for (unsigned i = 0; p && i < digits; i++)
        p[i] = hex_digits[v >> (4 * (digits - 1 - i)) & 15];
}

void
line_mac(struct line *l, const uint8_t mac[6])
{
    for (unsigned i = 0; i < 6; i++) {
        if (i > 0)
            line_char(l, ':');
        line_hex(l, mac + i, 1);
    }
}

void
line_ip(struct line *l, const uint8_t *ip, unsigned family)
{
    if (family == 4) {
        for (unsigned i = 0; i < 4; i++) {
            if (i > 0)
                line_char(l, '.');
            line_u64(l, ip[i]);
        }
        return;
    }
    struct ip six = {.family = 6};
    char text[IP_TEXT];
    memcpy(six.b, ip, sizeof(six.b));
    line_str(l, ip_print(&six, text));
}

static void
two_digits(char *p, unsigned v)
{
    p[0] = (char)('0' + v / 10 % 10);
    p[1] = (char)('0' + v % 10);
}

/* Year, month and day from days since 1970 (proleptic Gregorian; eras of 400 years that begin in
 * March). */
static void
civil_of(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;

    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (unsigned)((int64_t)yoe + era * 400) + (*month <= 2);
}

void
line_stamp(struct line *l, int64_t wall_ms)
{
    int64_t ms = MAX(wall_ms, 0);
    int64_t seconds = ms / MS_PER_S;
    unsigned rest = (unsigned)(seconds % S_PER_DAY);
    unsigned year, month, day;
    char *p = line_room(l, 24);

    if (!p)
        return;
    civil_of(seconds / S_PER_DAY, &year, &month, &day);
    p[4] = p[7] = '-';
    p[10] = 'T';
    p[13] = p[16] = ':';
    p[19] = '.';
    p[23] = 'Z';
    two_digits(p, year / 100);
    two_digits(p + 2, year % 100);
    two_digits(p + 5, month);
    two_digits(p + 8, day);
    two_digits(p + 11, rest / 3600);
    two_digits(p + 14, rest / 60 % 60);
    two_digits(p + 17, rest % 60);
    p[20] = (char)('0' + ms % MS_PER_S / 100);
    two_digits(p + 21, (unsigned)(ms % 100));
}

/* How many of the first bytes can stand as they are; 0: the first must be escaped. */
static size_t
harmless(const char *at, size_t left)
{
    unsigned char first = (unsigned char)*at;

    if (first < 0x80)
        return first >= ' ' && first < 0x7f && first != '"' && first != '\\';
    gunichar c = g_utf8_get_char_validated(at, (gssize)left);
    if (c >= (gunichar)-2 || !g_unichar_isprint(c))
        return 0;
    switch (g_unichar_type(c)) {
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SPACE_SEPARATOR:
        return 0;
    default:
        return (size_t)g_unichar_to_utf8(c, NULL);
    }
}

/* Cut at the limit, between characters. escape: how a byte is written. */
static void
put_escaped(struct line *l, const char *text, size_t len, const char *escape)
{
    size_t i = 0;
    size_t start = l->len;

    while (i < len && l->len - start < LINE_VALUE_MAX && !l->failed) {
        size_t whole = harmless(text + i, len - i);
        if (whole > 0) {
            line_bytes(l, text + i, whole);
        } else {
            line_str(l, escape);
            line_hex(l, text + i, 1);
        }
        i += whole > 0 ? whole : 1;
    }
    if (i < len)
        line_str(l, "...");
}

static bool
is_bare(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!g_ascii_isalnum(text[i]) && !strchr("-_.:/@+[]*()#<>?&%$", text[i] ? text[i] : ' '))
            return false;
    }
    return len > 0;
}

void
line_value(struct line *l, const void *text, size_t len)
{
    if (len <= LINE_VALUE_MAX && is_bare(text, len)) {
        line_bytes(l, text, len);
        return;
    }
    line_char(l, '"');
    put_escaped(l, text, len, "\\x");
    line_char(l, '"');
}

/* A byte that cannot stand becomes \u00NN, also one that is no UTF-8: what it was can be read. */
void
line_json(struct line *l, const void *text, size_t len)
{
    line_char(l, '"');
    put_escaped(l, text, len, "\\u00");
    line_char(l, '"');
}
