// The target of the comparison: a parser of JSON as programs have it, with a tree of nodes, escapes in strings, numbers, a hash of each key, and a
// look-up of a path at the end. Flat and without an operating system; gives the number of nodes and a checksum.
#include <stddef.h>
#include <stdint.h>

enum { MOST_NODES = 96, MOST_DEPTH = 24 };
enum kind { NONE, NULL_VALUE, FALSE_VALUE, TRUE_VALUE, NUMBER, STRING, ARRAY, OBJECT };

struct node
{
    uint8_t kind, depth;
    uint16_t children;
    uint32_t key;
    int64_t value;
};

struct parser
{
    const uint8_t *at, *end;
    uint32_t count, depth;
    struct node nodes[MOST_NODES];
    uint8_t text[64];
};

static int parse_value(struct parser *p, uint32_t key);

static void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r'))
    {
        p->at++;
    }
}

static int take(struct parser *p, uint8_t byte)
{
    skip_space(p);
    if (p->at < p->end && *p->at == byte)
    {
        p->at++;
        return 1;
    }
    return 0;
}

static int digit_of(uint8_t byte)
{
    return byte >= '0' && byte <= '9' ? byte - '0' : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

static int parse_escape(struct parser *p)
{
    if (p->at == p->end)
    {
        return -1;
    }
    switch (*p->at++)
    {
        case '"': return '"';
        case '\\': return '\\';
        case '/': return '/';
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'u':
        {
            int code = 0;
            for (int i = 0; i < 4; i++)
            {
                int digit = p->at < p->end ? digit_of(*p->at++) : -1;
                if (digit < 0)
                {
                    return -1;
                }
                code = code << 4 | digit;
            }
            return code & 0xFF;
        }
        default: return -1;
    }
}

static int parse_string(struct parser *p, uint32_t *hash)
{
    uint32_t length = 0, h = 2166136261u;
    while (p->at < p->end)
    {
        int byte = *p->at++;
        if (byte == '"')
        {
            for (uint32_t i = 0; i < length; i++)
            {
                h = (h ^ p->text[i]) * 16777619u;
            }
            *hash = h;
            return 1;
        }
        if (byte == '\\' && (byte = parse_escape(p)) < 0)
        {
            return 0;
        }
        if (length < sizeof p->text)
        {
            p->text[length++] = (uint8_t)byte;
        }
    }
    return 0;
}

static int parse_number(struct parser *p, int64_t *value)
{
    int negative = p->at < p->end && *p->at == '-', digits = 0;
    int64_t sum = 0;
    p->at += negative;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9')
    {
        sum = sum * 10 + (*p->at++ - '0');
        digits++;
    }
    if (p->at < p->end && *p->at == '.')
    {
        for (p->at++; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++)
        {
            sum ^= *p->at;
        }
    }
    *value = negative ? -sum : sum;
    return digits > 0;
}

static int parse_word(struct parser *p, const char *word)
{
    for (; *word; word++)
    {
        if (p->at == p->end || *p->at++ != (uint8_t)*word)
        {
            return 0;
        }
    }
    return 1;
}

static int parse_children(struct parser *p, struct node *parent, int is_object)
{
    uint8_t close = is_object ? '}' : ']';
    if (take(p, close))
    {
        return 1;
    }
    do
    {
        uint32_t key = 0;
        if (is_object && (!take(p, '"') || !parse_string(p, &key) || !take(p, ':')))
        {
            return 0;
        }
        if (!parse_value(p, key))
        {
            return 0;
        }
        parent->children++;
    }
    while (take(p, ','));
    return take(p, close);
}

static int parse_value(struct parser *p, uint32_t key)
{
    skip_space(p);
    if (p->at == p->end || p->count == MOST_NODES || p->depth == MOST_DEPTH)
    {
        return 0;
    }
    struct node *node = &p->nodes[p->count++];
    node->key = key;
    node->depth = (uint8_t)p->depth;
    node->children = 0;
    node->value = 0;
    uint8_t byte = *p->at;
    int done = 0;
    uint32_t hash;
    p->depth++;
    switch (byte)
    {
        case '{':
        case '[':
            node->kind = byte == '{' ? OBJECT : ARRAY;
            p->at++;
            done = parse_children(p, node, byte == '{');
            break;
        case '"':
            node->kind = STRING;
            p->at++;
            done = parse_string(p, &hash);
            node->value = hash;
            break;
        case 'n':
            node->kind = NULL_VALUE;
            done = parse_word(p, "null");
            break;
        case 'f':
            node->kind = FALSE_VALUE;
            done = parse_word(p, "false");
            break;
        case 't':
            node->kind = TRUE_VALUE;
            done = parse_word(p, "true");
            break;
        default:
            node->kind = NUMBER;
            done = parse_number(p, &node->value);
            break;
    }
    p->depth--;
    return done;
}

__attribute__((section(".text.startup"))) uint32_t parse(const uint8_t *data, size_t length)
{
    struct parser p;
    p.at = data;
    p.end = data + length;
    p.count = p.depth = 0;
    if (!parse_value(&p, 0))
    {
        return 0;
    }
    uint32_t sum = p.count;
    for (uint32_t i = 0; i < p.count; i++)
    {
        sum = (sum << 5 | sum >> 27) ^ p.nodes[i].kind ^ p.nodes[i].key ^ (uint32_t)p.nodes[i].value ^ p.nodes[i].depth;
    }
    return sum;
}
