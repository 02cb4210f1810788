/* SPDX-License-Identifier: Apache-2.0 */
/* wrap_keys.c - key files: see wrap.h. A static key is written in hexadecimal, the keys of
 * tls-crypt-v2 in base64 as PEM has it. Text around the lines BEGIN and END is a comment. */

#include "core/proto/openvpn/siv_priv.h"
#include "core/proto/openvpn/wrap.h"

#define STATIC_NAME "OpenVPN Static key V1"
#define SERVER_NAME "OpenVPN tls-crypt-v2 server key"
#define CLIENT_NAME "OpenVPN tls-crypt-v2 client key"

enum {
    HEX_LINE = 16, /* bytes */
    PEM_LINE = 64, /* letters */
    METADATA = 1 + 8,
    METADATA_TIME = 1,
    WRAPPED = SIV_TAG + OVPN_STATIC_KEY + METADATA + 2,
};

/* ---- reading ---- */

/* What is between the two lines of that name; borrowed. */
static const char *
find_body(const char *pem, const char *name, size_t *len)
{
    g_autofree char *begin = g_strdup_printf("-----BEGIN %s-----", name);
    g_autofree char *end = g_strdup_printf("-----END %s-----", name);
    const char *from = strstr(pem, begin);
    const char *to = from ? strstr(from, end) : NULL;

    if (!to)
        return NULL;
    from += strlen(begin);
    *len = (size_t)(to - from);
    return from;
}

bool
ovpn_static_key_parse(const char *pem, uint8_t out[OVPN_STATIC_KEY])
{
    uint8_t key[OVPN_STATIC_KEY];
    size_t len = 0;
    const char *body = find_body(pem, STATIC_NAME, &len);
    unsigned digits = 0;
    bool ok = body != NULL;

    for (size_t i = 0; ok && i < len; i++) {
        int value = g_ascii_xdigit_value(body[i]);
        if (g_ascii_isspace(body[i]))
            continue;
        if (value < 0 || digits >= 2 * OVPN_STATIC_KEY) {
            ok = false;
            break;
        }
        uint8_t *byte = &key[digits / 2];
        *byte = (uint8_t)(digits % 2 == 0 ? value << 4 : *byte | value);
        digits++;
    }
    ok = ok && digits == 2 * OVPN_STATIC_KEY;
    if (ok)
        memcpy(out, key, OVPN_STATIC_KEY);
    secret_wipe(key, sizeof(key));
    return ok;
}

bool
ovpn_v2_server_key_parse(const char *pem, uint8_t out[OVPN_V2_SERVER_KEY])
{
    char text[4 * (OVPN_V2_SERVER_KEY / 3 + 1) + 1];
    size_t len = 0;
    const char *body = find_body(pem, SERVER_NAME, &len);
    gsize n = 0;

    if (!body)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool letter = g_ascii_isalnum(body[i]) || strchr("+/=", body[i]);
        if (g_ascii_isspace(body[i]))
            continue;
        if (!letter || n + 1 >= sizeof(text)) {
            secret_wipe(text, sizeof(text));
            return false;
        }
        text[n++] = body[i];
    }
    text[n] = '\0';
    if (n > 0) /* glib's function takes no empty text */
        (void)g_base64_decode_inplace(text, &n);
    if (n == OVPN_V2_SERVER_KEY)
        memcpy(out, text, OVPN_V2_SERVER_KEY);
    secret_wipe(text, sizeof(text));
    return n == OVPN_V2_SERVER_KEY;
}

/* ---- writing ---- */

char *
ovpn_static_key_print(const uint8_t key[OVPN_STATIC_KEY])
{
    GString *s = g_string_sized_new(1024); /* all of it: nothing is left behind by growing */

    g_string_append(s, "#\n# 2048 bit OpenVPN static key\n#\n-----BEGIN " STATIC_NAME "-----\n");
    for (unsigned i = 0; i < OVPN_STATIC_KEY; i++)
        g_string_append_printf(s, i % HEX_LINE == HEX_LINE - 1 ? "%02x\n" : "%02x", key[i]);
    g_string_append(s, "-----END " STATIC_NAME "-----\n");
    return g_string_free(s, FALSE);
}

static char *
print_pem(const char *name, const uint8_t *bytes, size_t n)
{
    GString *s = g_string_sized_new(2 * n + 256);
    char *text = g_base64_encode(bytes, n);

    g_string_append_printf(s, "-----BEGIN %s-----\n", name);
    for (const char *at = text; *at; at += strnlen(at, PEM_LINE))
        g_string_append_printf(s, "%.*s\n", (int)PEM_LINE, at);
    g_string_append_printf(s, "-----END %s-----\n", name);
    secret_free_str(text);
    return g_string_free(s, FALSE);
}

char *
ovpn_v2_server_key_print(const uint8_t key[OVPN_V2_SERVER_KEY])
{
    return print_pem(SERVER_NAME, key, OVPN_V2_SERVER_KEY);
}

/* The key, then the same once more as only the server can read it: tag, text, length. */
char *
ovpn_v2_client_key_make(const uint8_t server_key[OVPN_V2_SERVER_KEY],
                        const uint8_t random[OVPN_STATIC_KEY], int64_t now_s)
{
    uint8_t bytes[OVPN_STATIC_KEY + WRAPPED];
    uint8_t *tag = bytes + OVPN_STATIC_KEY;
    uint8_t *text = tag + SIV_TAG;
    struct siv siv;
    struct writer w = writer_of(bytes, sizeof(bytes));

    writer_bytes(&w, random, OVPN_STATIC_KEY);
    writer_zero(&w, SIV_TAG);
    writer_bytes(&w, random, OVPN_STATIC_KEY);
    writer_u8(&w, METADATA_TIME);
    writer_u64(&w, (uint64_t)now_s);
    size_t len = (size_t)(bytes + w.len - text);
    writer_u16(&w, WRAPPED);
    g_assert(writer_ok(&w));

    siv_init(&siv, server_key, server_key + OVPN_V2_SERVER_KEY / 2);
    siv_seal(&siv, text + len, 2, text, len, tag);
    siv_done(&siv);
    char *pem = print_pem(CLIENT_NAME, bytes, w.len);
    secret_wipe(bytes, sizeof(bytes));
    return pem;
}
