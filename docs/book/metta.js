// Colours for MeTTa, which highlight.js does not know.
hljs.registerLanguage("metta", (hljs) => ({
  contains: [
    { className: "comment", begin: /;/, end: /$/ },
    { className: "string", begin: /"/, end: /"/, contains: [hljs.BACKSLASH_ESCAPE] },
    { className: "variable", begin: /\$[^\s()";]*/ },
    { className: "symbol", begin: /&[^\s()";]+/ },
    { className: "number", begin: /(?<![^\s(])[-+]?\d+(\.\d+)?(e[-+]?\d+)?(?![^\s)])/ },
    { className: "keyword", begin: /(?<![^\s(])(!(?=\()|[=:](?=\s))/ },
    { className: "built_in", begin: /(?<![^\s(])(True|False|Error)(?![^\s)])/ },
  ],
}));
document.querySelectorAll("code.language-metta").forEach((block) => hljs.highlightBlock(block));
