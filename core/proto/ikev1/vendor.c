/* SPDX-License-Identifier: Apache-2.0 */
/* vendor.c - see vendor.h. Most are MD5 of a text; of some only the first octets are the same in
 * every version. */

#include "core/proto/ikev1/vendor.h"

#include "core/base/types.h"

enum { VENDOR_MAX = 16 };

static const struct vendor {
    enum ike1_vendor v;
    uint8_t len;
    bool prefix; /* a version follows */
    uint8_t bytes[VENDOR_MAX];
} vendors[] = {
    /* "RFC 3947" */
    {IKE1_VENDOR_NATT_RFC,
     16,
     false,
     {0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45,
      0x2f}},
    /* "draft-ietf-ipsec-nat-t-ike-03" */
    {IKE1_VENDOR_NATT_DRAFT03,
     16,
     false,
     {0x7d, 0x94, 0x19, 0xa6, 0x53, 0x10, 0xca, 0x6f, 0x2c, 0x17, 0x9d, 0x92, 0x15, 0x52, 0x9d,
      0x56}},
    /* "draft-ietf-ipsec-nat-t-ike-02" */
    {IKE1_VENDOR_NATT_DRAFT02,
     16,
     false,
     {0xcd, 0x60, 0x46, 0x43, 0x35, 0xdf, 0x21, 0xf8, 0x7c, 0xfd, 0xb2, 0xfc, 0x68, 0xb6, 0xa4,
      0x48}},
    /* the same with a line feed */
    {IKE1_VENDOR_NATT_DRAFT02N,
     16,
     false,
     {0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e, 0x08, 0x63, 0x81, 0xb5, 0xec, 0x42, 0x7b,
      0x1f}},
    /* "draft-ietf-ipsec-nat-t-ike-00" */
    {IKE1_VENDOR_NATT_DRAFT00,
     16,
     false,
     {0x44, 0x85, 0x15, 0x2d, 0x18, 0xb6, 0xbb, 0xcd, 0x0b, 0xe8, 0xa8, 0x46, 0x95, 0x79, 0xdd,
      0xcc}},
    /* "draft-ietf-ipsec-nat-t-ike" */
    {IKE1_VENDOR_APPLE,
     16,
     false,
     {0x4d, 0xf3, 0x79, 0x28, 0xe9, 0xfc, 0x4f, 0xd1, 0xb3, 0x26, 0x21, 0x70, 0xd5, 0x15, 0xc6,
      0x62}},
    /* RFC 3706; two octets of version */
    {IKE1_VENDOR_DPD,
     14,
     true,
     {0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01,
      0x00}},
    /* "MS NT5 ISAKMPOAKLEY"; four octets of version */
    {IKE1_VENDOR_MICROSOFT,
     16,
     true,
     {0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d, 0x7c, 0x96, 0xfc, 0xbf, 0xb5, 0x87, 0xe4,
      0x61}},
    {IKE1_VENDOR_RACOON,
     16,
     false,
     {0x70, 0x03, 0xcb, 0xc1, 0x09, 0x7d, 0xbe, 0x9c, 0x26, 0x00, 0xba, 0x69, 0x83, 0xbc, 0x8b,
      0x35}},
    {IKE1_VENDOR_STRONGSWAN,
     16,
     false,
     {0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc, 0x22, 0x51, 0x61, 0x3b, 0x2e, 0xbe, 0x5b,
      0xeb}},
    {IKE1_VENDOR_XAUTH, 8, true, {0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12}},
    /* two octets of version */
    {IKE1_VENDOR_UNITY,
     14,
     true,
     {0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9, 0x70, 0x2d, 0x9f, 0xe2, 0x74, 0xcc, 0x01,
      0x00}},
    /* "FRAGMENTATION"; four octets of what it can */
    {IKE1_VENDOR_FRAGMENTATION,
     16,
     true,
     {0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85, 0x25, 0xe7, 0xde, 0x7f, 0x00, 0xd6, 0xc2,
      0xd3}},
};

unsigned
ike1_vendor_of(struct reader body)
{
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
        const struct vendor *one = &vendors[i];
        if (body.left < one->len || (body.left > one->len && !one->prefix))
            continue;
        if (memcmp(body.at, one->bytes, one->len) == 0)
            return one->v;
    }
    return 0;
}

struct reader
ike1_vendor_bytes(enum ike1_vendor v)
{
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++)
        if (vendors[i].v == v)
            return reader_of(vendors[i].bytes, v == IKE1_VENDOR_DPD || v == IKE1_VENDOR_UNITY
                                                   ? VENDOR_MAX
                                                   : vendors[i].len);
    return reader_of(NULL, 0);
}

const char *
ike1_vendor_make(unsigned seen)
{
    if (seen & IKE1_VENDOR_MICROSOFT)
        return "Windows";
    if (seen & IKE1_VENDOR_STRONGSWAN)
        return "strongSwan";
    if (seen & IKE1_VENDOR_APPLE)
        return "Apple";
    if (seen & IKE1_VENDOR_UNITY)
        return "Cisco";
    if (seen & IKE1_VENDOR_RACOON)
        return "racoon";
    /* Windows and Apple, which send it too, were told above by what is theirs alone. */
    if (seen & IKE1_VENDOR_FRAGMENTATION)
        return "Android or another racoon";
    return NULL;
}
