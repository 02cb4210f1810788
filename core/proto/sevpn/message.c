/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - see message.h. */

#include "core/proto/sevpn/message.h"

#include "core/proto/sevpn/wire.h"

GByteArray *
sevpn_request(const char *target, const char *host, const char *content_type, const void *body,
              size_t len)
{
    GByteArray *out = g_byte_array_new();
    g_autofree char *head = g_strdup_printf("POST %s HTTP/1.1\r\nHost: %s\r\n"
                                            "Keep-Alive: timeout=15; max=19\r\n"
                                            "Connection: Keep-Alive\r\nContent-Type: %s\r\n"
                                            "Content-Length: %zu\r\n\r\n",
                                            target, host, content_type, len);

    g_byte_array_append(out, (const guint8 *)head, (guint)strlen(head));
    g_byte_array_append(out, body, (guint)len);
    return out;
}

GByteArray *
sevpn_request_pack(const char *host, struct pack *p)
{
    g_autoptr(GByteArray) body = sevpn_finish(p);

    return sevpn_request(SEVPN_TARGET_PACK, host, SEVPN_CONTENT_PACK, body->data, body->len);
}

GByteArray *
sevpn_response_pack(struct pack *p)
{
    g_autoptr(GByteArray) body = sevpn_finish(p);
    GByteArray *out = g_byte_array_new();
    g_autofree char *head = g_strdup_printf("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=15; max=19\r\n"
                                            "Connection: Keep-Alive\r\nContent-Type: %s\r\n"
                                            "Content-Length: %u\r\n\r\n",
                                            SEVPN_CONTENT_PACK, body->len);

    g_byte_array_append(out, (const guint8 *)head, (guint)strlen(head));
    g_byte_array_append(out, body->data, body->len);
    return out;
}

enum http_verdict
sevpn_response_take(GByteArray *in, struct pack **out)
{
    struct http_head head;
    size_t used = 0;
    enum http_verdict verdict = http_parse_response((const char *)in->data, in->len, &head, &used);

    if (verdict != HTTP_OK)
        return verdict;
    const struct http_span *type = http_field(&head, "Content-Type");
    if (head.status != 200 || !type || !http_span_is(type, SEVPN_CONTENT_PACK) ||
        head.length == 0 || head.length > SEVPN_PACK_MAX)
        return HTTP_BAD;
    if (in->len - used < head.length)
        return HTTP_MORE;

    *out = pack_parse(reader_of(in->data + used, (size_t)head.length), &pack_limits_login);
    g_byte_array_remove_range(in, 0, (guint)(used + head.length));
    return *out ? HTTP_OK : HTTP_BAD;
}
