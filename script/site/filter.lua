-- What pandoc doesn't know of GitHub's Markdown and of this repository: formulas, and where links lead.

-- Where files are that are no pages, for example https://github.com/OWNER/NAME/blob/main; may be empty.
local repository = os.getenv("SITE_REPOSITORY") or ""

-- ```math
function CodeBlock(block)
  if block.classes[1] == "math" then
    return pandoc.Para { pandoc.Math("DisplayMath", block.text) }
  end
end

-- $`…`$
function Inlines(inlines)
  local result = pandoc.List()
  local i = 1
  while i <= #inlines do
    local before, code, after = result[#result], inlines[i], inlines[i + 1]
    if code.t == "Code" and before and before.t == "Str" and before.text:sub(-1) == "$"
      and after and after.t == "Str" and after.text:sub(1, 1) == "$" then
      before.text = before.text:sub(1, -2)
      result:insert(pandoc.Math("InlineMath", code.text))
      inlines[i + 1].text = after.text:sub(2)
    else
      result:insert(code)
    end
    i = i + 1
  end
  return result
end

-- A chapter becomes a page, and pages stay; any other file of the repository is there, if anywhere.
function Link(link)
  local target = link.target
  if target:match("^%a+:") or target:match("^#") or target:match("%.html$") then return nil end
  local chapter, anchor = target:match("^([%w-]+)%.md(.*)$")
  if chapter then
    link.target = (chapter == "README" and "index" or chapter) .. ".html" .. anchor
    return link
  end
  if repository == "" then return link.content end
  link.target = repository .. "/" .. target:gsub("^%.%./", "")
  return link
end

-- The first heading is the title, too.
function Pandoc(document)
  for _, block in ipairs(document.blocks) do
    if block.t == "Header" then
      document.meta.pagetitle = pandoc.utils.stringify(block)
      break
    end
  end
  return document
end
