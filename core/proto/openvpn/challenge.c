/* SPDX-License-Identifier: Apache-2.0 */
/* challenge.c - see challenge.h. */

#include "core/proto/openvpn/challenge.h"

#include <string.h>

#define STATIC  "SCRV1:"
#define DYNAMIC "CRV1::"

enum { TEXT_MAX = 200 };

/* NULL: it is not base64 of a text without NUL. */
static struct secret *
unbase64(const char *text, size_t len)
{
    static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    gsize n = 0;

    if (len % 4 != 0)
        return NULL;
    for (size_t i = 0; i < len; i++)
        if (!memchr(signs, text[i], sizeof(signs) - 1))
            return NULL;
    char *copy = g_strndup(text, len);
    uint8_t *bytes = g_base64_decode(copy, &n);
    struct secret *out = memchr(bytes, 0, n) ? NULL : secret_new(bytes, n);
    secret_wipe(bytes, n);
    g_free(bytes);
    secret_free_str(copy);
    return out;
}

static bool
parse_static(const char *at, struct ovpn_answer *out)
{
    const char *colon = strchr(at, ':');

    if (!colon)
        return false;
    out->password = unbase64(at, (size_t)(colon - at));
    out->answer = unbase64(colon + 1, strlen(colon + 1));
    if (out->password && out->answer)
        return true;
    ovpn_answer_clear(out);
    return false;
}

static bool
parse_dynamic(const char *at, struct ovpn_answer *out)
{
    const char *end = strstr(at, "::");
    size_t len = end ? (size_t)(end - at) : 0;

    if (len == 0 || len >= sizeof(out->id))
        return false;
    memcpy(out->id, at, len);
    out->id[len] = '\0';
    out->answer = secret_text(end + 2);
    return true;
}

void
ovpn_answer_parse(const char *field, struct ovpn_answer *out)
{
    *out = (struct ovpn_answer){.kind = OVPN_ANSWER_PLAIN};
    if (g_str_has_prefix(field, STATIC) && parse_static(field + strlen(STATIC), out))
        out->kind = OVPN_ANSWER_STATIC;
    else if (g_str_has_prefix(field, DYNAMIC) && parse_dynamic(field + strlen(DYNAMIC), out))
        out->kind = OVPN_ANSWER_DYNAMIC;
    else
        out->password = secret_text(field);
}

void
ovpn_answer_clear(struct ovpn_answer *a)
{
    secret_free(a->password);
    secret_free(a->answer);
    secret_wipe(a, sizeof(*a));
}

char *
ovpn_challenge_print(const char *id, const char *user, bool echo, const char *text)
{
    g_autofree char *who = g_base64_encode((const guchar *)user, strlen(user));
    size_t len = MIN(strcspn(text, "\r\n"), (size_t)TEXT_MAX);

    return g_strdup_printf("AUTH_FAILED,CRV1:R%s:%s:%s:%.*s", echo ? ",E" : "", id, who, (int)len,
                           text);
}
