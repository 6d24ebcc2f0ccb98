/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/node.h"

#include "../src/buf.h"
#include "unit.h"

static struct node_pool pool;
static struct errs errs;

static struct node *parse_len(const char *text, size_t len)
{
	/* A copy of exactly this size: reading past it is an error that ASan sees. */
	char *copy = malloc(len ? len : 1);
	struct node *n = NULL;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	errs_done(&errs);
	node_pool_done(&pool);
	ck_assert_int_eq(node_parse(&pool, "f", copy, len, &n, &errs), 0);
	free(copy);
	return n;
}

static struct node *parse(const char *text)
{
	return parse_len(text, strlen(text));
}

/* All mistakes, a line each. */
static void mistakes(const char *text, size_t len, const char *want)
{
	struct buf b = BUF_INIT;

	parse_len(text, len);
	for (size_t i = 0; i < errs.n; i++)
		buf_addf(&b, "%s: %s\n", errs.list[i].where, errs.list[i].text);
	ck_assert_str_eq(b.data ? b.data : "", want);
	buf_done(&b);
}

#define MISTAKES(text, want) mistakes(text, sizeof(text) - 1, want)

START_TEST(test_tree)
{
	struct node *n = parse("b: 1\na:\n  - 'x y'\n  - {k: \"\\u00e9\"}\n# end\n");
	struct node *a;

	ck_assert_uint_eq(errs.n, 0);
	ck_assert_int_eq(n->kind, NODE_MAP);
	ck_assert_uint_eq(n->n, 2);
	ck_assert_str_eq(n->child[0]->key->text, "b");
	ck_assert(n->child[0]->plain);
	a = node_get(n, "abc", 1);
	ck_assert_int_eq(a->kind, NODE_LIST);
	ck_assert_uint_eq(a->height, 2);
	ck_assert(!a->child[0]->plain);
	ck_assert_str_eq(a->child[0]->text, "x y");
	ck_assert_str_eq(node_get(a->child[1], "k", 1)->text, "é");
	ck_assert_str_eq(node_where(&pool, a), "f:2:1");
	ck_assert_str_eq(node_where(&pool, a->child[0]), "f:3:5");
	ck_assert_str_eq(node_where(&pool, node_get(a->child[1], "k", 1)), "f:4:9");
	ck_assert_ptr_null(node_get(n, "a", 0));
	ck_assert_ptr_null(node_get(n, "ab", 2));
	ck_assert_ptr_null(node_get(a, "b", 1));
	ck_assert(!n->partial);
}
END_TEST

START_TEST(test_columns_are_characters)
{
	struct node *n = parse("{é€😀: x}");

	ck_assert_str_eq(node_where(&pool, n->child[0]), "f:1:7");
}
END_TEST

START_TEST(test_get_many)
{
	struct buf b = BUF_INIT;
	char key[16];
	struct node *n;

	for (int i = 0; i < 5000; i++)
		buf_addf(&b, "k%d: %d\n", i, i);
	n = parse(b.data);
	buf_done(&b);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ck_assert_str_eq(node_get(n, key, strlen(key))->text, key + 1);
	}
}
END_TEST

START_TEST(test_bytes)
{
	MISTAKES("\xef\xbb\xbf"
		 "a: 1\n",
		 "f:1:1: a byte-order mark (U+FEFF): save the file as UTF-8 without it\n");
	MISTAKES("\xff\xfe"
		 "a\0:\0",
		 "f:1:1: byte 0xff is not UTF-8: save the file as UTF-8\n");
	MISTAKES("a: \xc0\x80\nb: é\xe2\x82\n",
		 "f:1:4: byte 0xc0 is not UTF-8: save the file as UTF-8\n"
		 "f:2:5: byte 0xe2 is not UTF-8: save the file as "
		 "UTF-8\n");
	MISTAKES("\xed\xa0\x80", "f:1:1: byte 0xed is not UTF-8: save the file as UTF-8\n");
	MISTAKES("\xf4\x90\x80\x80", "f:1:1: byte 0xf4 is not UTF-8: save the file as UTF-8\n");
	MISTAKES("\xe2\x82", "f:1:1: byte 0xe2 is not UTF-8: save the file as UTF-8\n");
	MISTAKES("a: \x1b[31m\n", "f:1:4: control character U+001B: take it out\n");
	MISTAKES("a: x\0y", "f:1:5: control character U+0000: take it out\n");
	MISTAKES("a: x\ry", "f:1:5: control character U+000D: take it out\n");
	MISTAKES("a: \xc2\x85 \xe2\x80\xa8", "f:1:4: control character U+0085: take it out\n");
	MISTAKES("a: 1\r\nb: 2\r\n", "");
	MISTAKES("a: \"\\e[31m\"", "f:1:4: control character U+001B in a text: take it out\n");
	MISTAKES("\"a\\0b\": 1", "f:1:1: control character U+0000 in a text: take it out\n");
	MISTAKES("a: \"x\ty\"", "f:1:4: control character U+0009 in a text: take it out\n");
	MISTAKES("a: |\n  text\n", "f:1:4: a line break in a text: write it on one line\n");
	MISTAKES("a: \"x\\ny\"", "f:1:4: a line break in a text: write it on one line\n");
}
END_TEST

START_TEST(test_tabs)
{
	MISTAKES("a:\n\tb: 1\n", "f:2:1: a tab in the indentation: YAML indents with spaces\n");
	MISTAKES("a:\n  \tb: 1\n\tc: 2\n",
		 "f:2:3: a tab in the indentation: YAML indents with spaces\n");
	MISTAKES("a:\t1\t# x\n", "");
	MISTAKES("a: 1\n \t\n", "f:2:2: a tab in the indentation: YAML indents with spaces\n");
	MISTAKES("a: {\n\tb: 1}\n", "f:2:1: a tab in the indentation: YAML indents with spaces\n");
}
END_TEST

START_TEST(test_syntax)
{
	struct node *n;

	MISTAKES("a: b: c\n", "f:1:5: not YAML: ': ' can't stand here: check the indentation, and "
			      "put text that holds ': ' in quotes\n");
	MISTAKES("a: 1\n  b: 2\n", "f:2:4: not YAML: ': ' can't stand here: check the indentation, "
				   "and put text that holds ': ' in quotes\n");
	MISTAKES("a:\n  b: 1\n c: 2\n",
		 "f:3:2: not YAML: no setting's name found here: check the indentation of this "
		 "line\n");
	MISTAKES("a: \"x\nb: 1\n", "f:1:4: not YAML: a quote that is never closed\n");
	MISTAKES("a: 1\nbcd\n", "f:2:1: not YAML: a name without ': ' after it\n");
	MISTAKES("a: @x\n",
		 "f:1:4: not YAML: a text can't begin with this character: put it in quotes\n");
	/* What stands before is there all the same. */
	n = parse("a: {b: 1}\nc: {d: 2, e\nf: 3");
	ck_assert_uint_eq(errs.n, 1);
	ck_assert(n->partial);
	ck_assert(!node_get(n, "a", 1)->partial);
	ck_assert(node_get(n, "c", 1)->partial);
	ck_assert_str_eq(node_get(node_get(n, "c", 1), "d", 1)->text, "2");
}
END_TEST

START_TEST(test_documents)
{
	ck_assert_ptr_null(parse(""));
	ck_assert_ptr_null(parse("# nothing\n\n"));
	ck_assert_uint_eq(errs.n, 0);
	MISTAKES("a: 1\n---\nb: 2\n", "f:2:1: a second document begins: a plan is one document\n");
	MISTAKES("--- {a: 1}\n...\n", "");
	MISTAKES("%YAML 1.1\n---\na: 1\n", "");
	MISTAKES("%TAG ! x\n--- a\n",
		 "f:1:1: a line can't begin with %: a plan has no YAML directives\n");
	MISTAKES("a: %",
		 "f:1:4: not YAML: a text can't begin with this character: put it in quotes\n");
	MISTAKES("%", "f:1:1: a line can't begin with %: a plan has no YAML directives\n");
}
END_TEST

START_TEST(test_duplicates)
{
	struct node *n = parse("a: 1\nb: 2\na: 3\n\"a\": 4\n");

	ck_assert_uint_eq(errs.n, 2);
	ck_assert_str_eq(errs.list[0].where, "f:3:1");
	ck_assert_str_eq(errs.list[0].text, "\"a\" is set twice: it already stands on line 1");
	ck_assert_str_eq(errs.list[1].where, "f:4:1");
	ck_assert_uint_eq(n->n, 2);
	n = node_get(n, "a", 1);
	ck_assert_str_eq(n->text, "1");
	ck_assert_str_eq(n->shadow->text, "3");
	ck_assert_str_eq(n->shadow->shadow->text, "4");
}
END_TEST

START_TEST(test_keys_and_tags)
{
	struct node *n;

	MISTAKES("[a]: 1\n", "f:1:1: a setting's name is expected here, not a list (text that "
			     "begins with { or [ needs quotes)\n");
	MISTAKES("a: !x 1\nb: !!map {}\nc: ! d\n",
		 "f:1:4: YAML tags (!) are not supported: leave it out (text that begins with ! "
		 "needs quotes)\n"
		 "f:2:4: YAML tags (!) are not supported: leave it out (text that begins with ! "
		 "needs quotes)\n"
		 "f:3:4: YAML tags (!) are not supported: leave it out (text that begins with ! "
		 "needs quotes)\n");
	n = parse("a: &x {b: 1}\nc: {<<: *x, \"<<\": 2}\n");
	ck_assert_uint_eq(errs.n, 1);
	ck_assert_str_eq(errs.list[0].where, "f:2:5");
	ck_assert(node_get(n, "c", 1)->partial);
	ck_assert_str_eq(node_get(node_get(n, "c", 1), "<<", 2)->text, "2");
}
END_TEST

START_TEST(test_aliases)
{
	struct node *n = parse("a: &x [1, {b: 2}]\nc: *x\nd: [*x, &x 5, *x]\n");
	struct node *c = node_get(n, "c", 1), *d = node_get(n, "d", 1);

	ck_assert_uint_eq(errs.n, 0);
	ck_assert_uint_eq(c->n, 2);
	ck_assert_str_eq(c->key->text, "c");
	ck_assert_str_eq(node_where(&pool, c->child[0]), "f:1:8");
	ck_assert_ptr_null(d->child[0]->key);
	ck_assert_str_eq(node_where(&pool, d->child[0]), "f:3:5");
	ck_assert_str_eq(node_get(d->child[0]->child[1], "b", 1)->text, "2");
	ck_assert_str_eq(d->child[2]->text, "5");
	MISTAKES("a: *x\nb: &x 1\n",
		 "f:1:4: alias \"x\": no anchor of that name stands before it\n");
	MISTAKES("a: &x [*x]\n", "f:1:8: alias \"x\" stands inside what it stands for\n");
}
END_TEST

START_TEST(test_billion_laughs)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 10; i++) {
		buf_addf(&b, "a%d: &a%d [", i, i);
		for (int j = 0; j < 9; j++)
			buf_addf(&b, "*a%d,", i - 1);
		buf_adds(&b, "]\n");
	}
	parse(b.data);
	ck_assert_uint_eq(errs.n, 1);
	ck_assert_str_eq(errs.list[0].text,
			 "more than 65536 values in the plan, its includes and aliases");
	ck_assert_uint_le(pool.nodes, NODES_MAX);
	buf_done(&b);
}
END_TEST

START_TEST(test_depth)
{
	char deep[4 * NODE_DEPTH_MAX];
	struct buf b = BUF_INIT;
	struct node *n;

	memset(deep, '[', NODE_DEPTH_MAX);
	memset(deep + NODE_DEPTH_MAX, ']', NODE_DEPTH_MAX);
	n = parse_len(deep, (size_t)2 * NODE_DEPTH_MAX);
	ck_assert_uint_eq(errs.n, 0);
	ck_assert_uint_eq(n->height, NODE_DEPTH_MAX);
	memset(deep, '[', sizeof(deep));
	mistakes(deep, sizeof(deep), "f:1:33: nested deeper than 32 levels\n");

	/* One level more with every alias. */
	buf_adds(&b, "a0: &a0 [x]\n");
	for (int i = 1; i < 40; i++)
		buf_addf(&b, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	parse(b.data);
	ck_assert_uint_eq(errs.n, 1);
	ck_assert_str_eq(errs.list[0].where, "f:32:12");
	ck_assert_str_eq(errs.list[0].text, "alias \"a30\" makes more than 32 levels");
	buf_done(&b);
}
END_TEST

START_TEST(test_anchors_bounded)
{
	struct buf b = BUF_INIT;

	for (int i = 0; i <= NODE_ANCHORS_MAX; i++)
		buf_addf(&b, "- &a%d x\n", i);
	parse(b.data);
	ck_assert_uint_eq(errs.n, 1);
	ck_assert_str_eq(errs.list[0].where, "f:257:3");
	buf_done(&b);
}
END_TEST

START_TEST(test_mistakes_bounded)
{
	struct buf b = BUF_INIT;

	for (int i = 0; i < 50000; i++)
		buf_adds(&b, "k: 1\n");
	parse(b.data);
	ck_assert_uint_eq(errs.n, ERRS_MAX);
	ck_assert_uint_gt(errs.more, 1000);
	buf_done(&b);
}
END_TEST

START_TEST(test_merge)
{
	struct node *base = NULL, *over = NULL, *n;
	const char *a = "m: {x: 1, y: 2, z: {q: 1}}\nl: [1, 2]\ns: 1\nonly: a\n";
	const char *b = "new: 1\nm: {y: 3, z: 4}\nl: [5]\ns: {t: 1}\n";

	ck_assert_int_eq(node_parse(&pool, "base", a, strlen(a), &base, &errs), 0);
	ck_assert_int_eq(node_parse(&pool, "over", b, strlen(b), &over, &errs), 0);
	n = node_merge(&pool, base, over);
	ck_assert_ptr_nonnull(n);
	ck_assert_uint_eq(n->n, 5);
	ck_assert_str_eq(node_get(n, "only", 4)->file, "base");
	ck_assert_str_eq(node_get(n, "new", 3)->file, "over");
	ck_assert_uint_eq(node_get(n, "l", 1)->n, 1);
	ck_assert_int_eq(node_get(n, "s", 1)->kind, NODE_MAP);
	ck_assert_str_eq(node_get(n, "s", 1)->shadow->text, "1");
	n = node_get(n, "m", 1);
	ck_assert_uint_eq(n->n, 3);
	ck_assert_int_eq(n->shadow->kind, NODE_MERGED);
	ck_assert_str_eq(n->shadow->key->file, "base");
	ck_assert_str_eq(node_get(n, "x", 1)->text, "1");
	ck_assert_str_eq(node_get(n, "y", 1)->text, "3");
	ck_assert_str_eq(node_get(n, "z", 1)->text, "4");
	ck_assert_int_eq(node_get(n, "z", 1)->shadow->kind, NODE_MAP);
	ck_assert_ptr_eq(node_merge(&pool, NULL, over), over);
	ck_assert_ptr_eq(node_merge(&pool, base, NULL), base);
}
END_TEST

START_TEST(test_quoted)
{
	char buf[QUOTED_SIZE], text[200];

	ck_assert_str_eq(text_quoted("a\"b", buf), "\"a\"b\"");
	ck_assert_str_eq(text_quoted("", buf), "\"\"");
	memset(text, 'a', sizeof(text));
	text[199] = '\0';
	text_quoted(text, buf);
	ck_assert_uint_eq(strlen(buf), QUOTED_SIZE - 1);
	ck_assert(has_suffix(buf, "aaa...\""));
	/* Cut between characters. */
	for (int i = 0; i + 1 < 199; i += 2)
		memcpy(text + i, "é", 2);
	text[198] = '\0';
	for (int shift = 0; shift < 2; shift++) {
		text_quoted(shift ? "xéééééééééééééééééééééééééééééééééééééééééééééééééé" : text,
			    buf);
		ck_assert(has_suffix(buf, "é...\""));
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_tree);
	tcase_add_test(tc, test_columns_are_characters);
	tcase_add_test(tc, test_get_many);
	tcase_add_test(tc, test_bytes);
	tcase_add_test(tc, test_tabs);
	tcase_add_test(tc, test_syntax);
	tcase_add_test(tc, test_documents);
	tcase_add_test(tc, test_duplicates);
	tcase_add_test(tc, test_keys_and_tags);
	tcase_add_test(tc, test_aliases);
	tcase_add_test(tc, test_billion_laughs);
	tcase_add_test(tc, test_depth);
	tcase_add_test(tc, test_anchors_bounded);
	tcase_add_test(tc, test_mistakes_bounded);
	tcase_add_test(tc, test_merge);
	tcase_add_test(tc, test_quoted);
}

UNIT_MAIN("node")
