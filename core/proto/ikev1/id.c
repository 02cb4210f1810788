/* SPDX-License-Identifier: Apache-2.0 */
/* id.c - see id.h. */

#include "core/proto/ikev1/id.h"

#include <glib.h>
#include <openssl/bio.h>
#include <openssl/x509.h>

#include <stdio.h>

enum { V4 = 4, V6 = 16 };

/* ---- addresses ---- */

/* How long an address of this type is, and whether there are two. 0: it has none. */
static size_t
address_len(uint8_t type, bool *two)
{
    *two = type != IKE1_ID_IPV4 && type != IKE1_ID_IPV6;
    switch (type) {
    case IKE1_ID_IPV4:
    case IKE1_ID_IPV4_SUBNET:
    case IKE1_ID_IPV4_RANGE:
        return V4;
    case IKE1_ID_IPV6:
    case IKE1_ID_IPV6_SUBNET:
    case IKE1_ID_IPV6_RANGE:
        return V6;
    default:
        return 0;
    }
}

static bool
is_subnet(uint8_t type)
{
    return type == IKE1_ID_IPV4_SUBNET || type == IKE1_ID_IPV6_SUBNET;
}

static struct ip
read_ip(struct reader *r, size_t len)
{
    struct ip ip = {.family = len == V4 ? 4 : 6};

    reader_copy(r, ip.b, len);
    return ip;
}

/* The ones that a mask begins with, or -1 when others follow. */
static int
mask_len(const struct ip *mask, size_t len)
{
    unsigned n = 0;

    while (n < len * 8 && mask->b[n / 8] >> (7 - n % 8) & 1)
        n++;
    for (unsigned i = n; i < len * 8; i++)
        if (mask->b[i / 8] >> (7 - i % 8) & 1)
            return -1;
    return (int)n;
}

/* Both addresses of what the type says: of a subnet the address and the mask, of a single one it
 * twice. */
static bool
read_addresses(struct reader r, uint8_t type, struct ip *a, struct ip *b)
{
    bool two = false;
    size_t len = address_len(type, &two);

    *a = read_ip(&r, len);
    *b = two ? read_ip(&r, len) : *a;
    if (!reader_ok(&r) || r.left > 0)
        return false;
    if (is_subnet(type))
        return mask_len(b, len) >= 0;
    return memcmp(a->b, b->b, len) <= 0;
}

static bool
print_addresses(struct reader r, uint8_t type, char *out, size_t n)
{
    struct ip a;
    struct ip b;
    bool two = false;
    size_t len = address_len(type, &two);
    char first[IP_TEXT];
    char last[IP_TEXT];

    if (!read_addresses(r, type, &a, &b))
        return false;
    (void)ip_print(&a, first);
    (void)ip_print(&b, last);
    if (!two)
        g_strlcpy(out, first, n);
    else if (is_subnet(type))
        snprintf(out, n, "%s/%d", first, mask_len(&b, len));
    else
        snprintf(out, n, "%s-%s", first, last);
    return true;
}

/* ---- text ---- */

/* One printable character of UTF-8 at r: its length, or 0. */
static size_t
printable(const struct reader *r)
{
    gunichar c = g_utf8_get_char_validated((const char *)r->at, (gssize)r->left);

    if (c == (gunichar)-1 || c == (gunichar)-2 || c == '\\' || !g_unichar_isprint(c))
        return 0;
    return (size_t)g_unichar_to_utf8(c, NULL);
}

static bool
print_text(struct reader r, char *out, size_t n)
{
    struct writer w = writer_of(out, n - 1);

    while (r.left > 0) {
        size_t len = printable(&r);
        if (len > 0) {
            writer_bytes(&w, reader_take(&r, len), len);
            continue;
        }
        char hex[5];
        snprintf(hex, sizeof(hex), "\\x%02x", reader_u8(&r));
        writer_bytes(&w, hex, 4);
    }
    if (!writer_ok(&w) || w.len == 0)
        return false;
    out[w.len] = '\0';
    return true;
}

/* A name, which escapes what is no text by itself. */
static bool
print_name(struct reader r, char *out, size_t n)
{
    const uint8_t *at = r.at;
    X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)r.left);
    BIO *text = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    long len = 0;

    bool ok = name && text && at == r.at + r.left &&
              X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0;
    if (ok)
        len = BIO_get_mem_data(text, &bytes);
    ok = ok && len > 0 && (size_t)len < n && !memchr(bytes, 0, (size_t)len) &&
         g_utf8_validate(bytes, len, NULL);
    if (ok) {
        memcpy(out, bytes, (size_t)len);
        out[len] = '\0';
    }
    BIO_free(text);
    X509_NAME_free(name);
    return ok;
}

/* ---- payloads ---- */

/* What every identity begins with; r is left at its bytes. */
static bool
read_head(struct reader *r, uint8_t *type, uint8_t *protocol, uint16_t *port)
{
    *type = reader_u8(r);
    *protocol = reader_u8(r);
    *port = reader_u16(r);
    return reader_ok(r);
}

bool
ike1_id_read(struct reader body, struct ike1_id *out)
{
    struct ike1_id id = {0};
    bool two = false;
    bool ok = false;

    if (!read_head(&body, &id.type, &id.protocol, &id.port))
        return false;
    if (address_len(id.type, &two) > 0)
        ok = print_addresses(body, id.type, id.text, sizeof(id.text));
    else if (id.type == IKE1_ID_DN)
        ok = print_name(body, id.text, sizeof(id.text));
    else
        ok = print_text(body, id.text, sizeof(id.text));
    if (ok)
        *out = id;
    return ok;
}

bool
ike1_id_selector(struct reader body, struct esp_selector *out)
{
    struct esp_selector s = {0};
    uint8_t type = 0;
    bool two = false;

    if (!read_head(&body, &type, &s.protocol, &s.port))
        return false;
    size_t len = address_len(type, &two);
    if (len > 0 && !read_addresses(body, type, &s.first, &s.last))
        return false;
    for (size_t i = 0; is_subnet(type) && i < len; i++) {
        uint8_t mask = s.last.b[i];
        s.first.b[i] &= mask;
        s.last.b[i] = (uint8_t)(s.first.b[i] | (uint8_t)~mask);
    }
    *out = s;
    return true;
}

void
ike1_id_write_ip(struct writer *w, const struct ip *ip, uint8_t protocol, uint16_t port)
{
    writer_u8(w, ip->family == 4 ? IKE1_ID_IPV4 : IKE1_ID_IPV6);
    writer_u8(w, protocol);
    writer_u16(w, port);
    writer_bytes(w, ip->b, ip->family == 4 ? V4 : V6);
}

void
ike1_id_write(struct writer *w, enum ike1_id_type type, const void *bytes, size_t len)
{
    writer_u8(w, (uint8_t)type);
    writer_u8(w, 0);
    writer_u16(w, 0);
    writer_bytes(w, bytes, len);
}
