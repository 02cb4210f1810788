/* SPDX-License-Identifier: Apache-2.0 */
/* offer.c - see offer.h. */

#include "tests/unit/ikev1/offer.h"

#include <glib.h>

#include <string.h>

struct word {
    const char *text;
    uint16_t number;
};
static const struct word ike_ciphers[] = {{"DES", 1}, {"3DES", 5}, {"AES", 7}};
static const struct word ike_hashes[] = {
    {"MD5", 1}, {"SHA1", 2}, {"SHA256", 4}, {"SHA384", 5}, {"SHA512", 6}};
static const struct word groups[] = {
    {"MODP768", 1},   {"MODP1024", 2}, {"MODP1536", 5}, {"MODP2048", 14}, {"MODP3072", 15},
    {"MODP4096", 16}, {"ECP256", 19},  {"ECP384", 20},  {"ECP521", 21},   {"X25519", 31}};
static const struct word methods[] = {
    {"RSA", 3}, {"XAUTH", 65001}, {"XAUTH-RSA", 65005}, {"HYBRID", 64221}};
static const struct word esp_ciphers[] = {
    {"DES", 2}, {"3DES", 3}, {"NULL", 11}, {"AES", 12}, {"GCM", 20}};
static const struct word esp_hashes[] = {
    {"MD5", 1}, {"SHA1", 2}, {"SHA256", 5}, {"SHA384", 6}, {"SHA512", 7}};

#define FIND(table, text) find((table), G_N_ELEMENTS(table), text)

static uint16_t
find(const struct word *table, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].text, text) == 0)
            return table[i].number;
    return 0;
}

/* "AES256" is a cipher and its bits; "3DES" is a cipher. */
static uint16_t
cipher(const struct word *table, size_t n, const char *text, uint16_t *bits)
{
    char name[8] = "";

    *bits = 0;
    for (size_t i = 0; text[i] && !g_ascii_isdigit(text[i]); i++)
        name[i] = text[i];
    if (g_ascii_isdigit(text[0]))
        return find(table, n, text);
    *bits = (uint16_t)g_ascii_strtoull(text + strlen(name), NULL, 10);
    return find(table, n, name);
}

/* ---- octets ---- */

static void
basic(struct writer *w, uint16_t type, uint16_t value)
{
    writer_u16(w, 0x8000 | type);
    writer_u16(w, value);
}

static void
life(struct writer *w, uint16_t base, const struct offer_style *style)
{
    basic(w, base, 1);
    if (style->long_life) {
        writer_u16(w, base + 1);
        writer_u16(w, 4);
        writer_u32(w, 28800);
    } else {
        basic(w, base + 1, 28800);
    }
    if (!style->kilobytes)
        return;
    basic(w, base, 2);
    writer_u16(w, base + 1);
    writer_u16(w, 4);
    writer_u32(w, 250000);
}

static uint8_t
phase1_attributes(struct writer *w, char **part, const struct offer_style *style)
{
    uint16_t bits = 0;
    uint16_t group = part[1] && part[2] ? FIND(groups, part[2]) : 0;
    uint16_t method = part[1] && part[2] && part[3] ? FIND(methods, part[3]) : 1;

    basic(w, 1, cipher(ike_ciphers, G_N_ELEMENTS(ike_ciphers), part[0], &bits));
    if (bits > 0 && !(bits == 128 && style->no_128))
        basic(w, 14, bits);
    basic(w, 2, FIND(ike_hashes, part[1]));
    basic(w, 4, group);
    basic(w, 3, method);
    life(w, 11, style);
    return IKE1_KEY_IKE;
}

/* Which may also be an ending of "ESN", or "m2": a mode. */
static uint8_t
esp_attributes(struct writer *w, char **part, const struct offer_style *style)
{
    uint16_t bits = 0;
    uint16_t id = cipher(esp_ciphers, G_N_ELEMENTS(esp_ciphers), part[0], &bits);

    if (style->mode > 0)
        basic(w, 4, style->mode);
    life(w, 1, style);
    for (unsigned i = 1; part[i]; i++) {
        if (FIND(esp_hashes, part[i]) > 0)
            basic(w, 5, FIND(esp_hashes, part[i]));
        else if (strcmp(part[i], "ESN") == 0)
            basic(w, 11, 1);
        else if (part[i][0] == 'm')
            basic(w, 4, (uint16_t)g_ascii_strtoull(part[i] + 1, NULL, 10));
        else
            basic(w, 3, FIND(groups, part[i]));
    }
    if (bits > 0 && !(bits == 128 && style->no_128))
        basic(w, 6, bits);
    return (uint8_t)id;
}

/* ---- payloads ---- */

typedef uint8_t attributes_fn(struct writer *w, char **part, const struct offer_style *style);

static void
transform(struct offer *o, struct writer *w, uint8_t number, const char *text, bool last,
          attributes_fn *attributes, const struct offer_style *style)
{
    char **part = g_strsplit(text, "-", -1);
    size_t at = w->len;

    writer_u8(w, last ? 0 : ISAKMP_TRANSFORM);
    writer_zero(w, 3);
    writer_u8(w, number);
    size_t id_at = w->len;
    writer_zero(w, 3);
    o->attributes[o->n] = w->start + w->len;
    uint8_t id = attributes(w, part, style);
    o->attributes_len[o->n] = (size_t)(w->start + w->len - o->attributes[o->n]);
    o->n++;
    g_assert_true(writer_ok(w));
    w->start[id_at] = id;
    w->start[at + 2] = (uint8_t)((w->len - at) >> 8);
    w->start[at + 3] = (uint8_t)(w->len - at);
    g_strfreev(part);
}

static void
proposal(struct offer *o, struct writer *w, uint8_t number, const char *text, bool last,
         attributes_fn *attributes, const struct offer_style *style)
{
    char **one = g_strsplit(text, " ", -1);
    unsigned n = g_strv_length(one);
    bool esp = attributes == esp_attributes;
    size_t at = w->len;

    writer_u8(w, last ? 0 : ISAKMP_PROPOSAL);
    writer_zero(w, 3);
    writer_u8(w, number);
    writer_u8(w, esp ? IKE1_PROTOCOL_ESP : IKE1_PROTOCOL_ISAKMP);
    writer_u8(w, esp ? 4 : style->isakmp_spi);
    writer_u8(w, (uint8_t)n);
    if (esp)
        writer_u32(w, 0xa1b2c300 + number);
    else
        writer_zero(w, style->isakmp_spi);
    for (unsigned i = 0; i < n; i++)
        transform(o, w, (uint8_t)(i + 1), one[i], i + 1 == n, attributes, style);
    w->start[at + 2] = (uint8_t)((w->len - at) >> 8);
    w->start[at + 3] = (uint8_t)(w->len - at);
    g_strfreev(one);
}

static void
write_offer(struct offer *o, const char *text, attributes_fn *attributes,
            const struct offer_style *style)
{
    struct writer w = writer_of(o->bytes, sizeof(o->bytes));
    uint8_t number = 1;

    o->n = 0;
    writer_u32(&w, 1);
    writer_u32(&w, 1);
    while (*text) {
        size_t len = strcspn(text, "|&");
        char *one = g_strndup(text, len);
        proposal(o, &w, number, one, text[len] == '\0', attributes, style);
        if (text[len] == '|')
            number++;
        text += len + (text[len] ? 1 : 0);
        g_free(one);
    }
    g_assert_true(writer_ok(&w));
    o->len = w.len;
}

void
offer_phase1(struct offer *o, const char *text, const struct offer_style *style)
{
    write_offer(o, text, phase1_attributes, style);
}

void
offer_esp(struct offer *o, const char *text, const struct offer_style *style)
{
    write_offer(o, text, esp_attributes, style);
}
